"""What a file is guessed to be."""

from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.judging import refunds
from etappe.importing.mapping import looking, mapping
from etappe.importing.mapping.looking import Look
from etappe.settings import Settings


def _look(folder: Path, text: str, name: str = "orders.csv", encoding: str = "utf-8", kind: str | None = None) -> Look:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return looking.look(path, Settings(), kind)


def _columns(seen: Look) -> dict[str, object]:
    return {name: line.value for name, line in seen.draft.columns.items()}


GERMAN = (
    "Bestellnummer;Datum;Kunden-Nr.;Artikelnummer;Menge;Einzelpreis;Status\r\n"
    "B1;03.04.2026 10:00;K1;1001;1;1.299,00;bezahlt\r\n"
    "B2;04.04.2026 11:00;K2;Grün;2;4,90;storniert\r\n"
)


def test_a_german_export_needs_nobody(tmp_path: Path) -> None:
    """Encoding, separator, decimal mark, order of dates, columns and words are all known."""
    seen = _look(tmp_path, GERMAN, encoding="cp1252")
    assert (seen.dialect.encoding, seen.dialect.separator) == ("cp1252", ";")
    assert _columns(seen) == {
        "Bestellnummer": "order_id", "Datum": "timestamp", "Kunden-Nr.": "user_id", "Artikelnummer": "item_id",
        "Menge": "quantity", "Einzelpreis": "price", "Status": "event",
    }  # fmt: skip
    assert (seen.draft.file["decimal"].value, seen.draft.file["dates"].value) == (",", "dmy")
    assert {cell: line.value for cell, line in seen.draft.values["event"].items()} == {
        "bezahlt": "purchase", "storniert": "refund",
    }  # fmt: skip
    assert seen.draft.decisions == []
    assert seen.becomes == {"purchase": 1, "refund": 1}
    assert [row["price"] for row in seen.first] == [1299.0, 4.9]


def test_what_it_writes_is_a_mapping(tmp_path: Path) -> None:
    """The text is read as what was guessed, however columns are named."""
    seen = _look(tmp_path, 'Order "No";Datum;Kunde\\;Artikel\nB1;03.04.2026;K1;1001\n')
    told = mapping.parsed(seen.text, tmp_path)
    assert told.columns == _columns(seen)
    assert told.columns['Order "No"'] == "order_id"
    assert told.constants == {"event": "purchase"}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(["03/04/2026", "05/06/2026"], "?"), (["03/04/2026", "13/06/2026"], "dmy"), (["3/14/2026"], "mdy")],
)
def test_one_date_settles_a_column_or_a_person_does(tmp_path: Path, cells: list[str], expected: str) -> None:
    """A thirteenth month is none; where all could be either, nothing is guessed."""
    rows = "".join(f"{number},{cell},u,i,1,2.50\n" for number, cell in enumerate(cells))
    seen = _look(tmp_path, f"order,date,customer,sku,qty,price\n{rows}")
    assert seen.draft.file["dates"].value == expected
    assert bool(seen.draft.decisions) == (expected == "?")
    assert bool(seen.becomes) == (expected != "?")


def test_a_thousand_or_a_decimal_is_for_a_person(tmp_path: Path) -> None:
    """1.299 alone may be either; beside 4,90 it is a thousand."""
    head = "order;date;customer;sku;qty;price\n"
    alone = _look(tmp_path, head + "1;2026-01-01;u;i;1;1.299\n")
    assert alone.draft.file["decimal"].value == "?"
    assert "1.299" in alone.draft.decisions[0]
    beside = _look(tmp_path, head + "1;2026-01-01;u;i;1;1.299\n2;2026-01-01;u;i;1;4,90\n")
    assert beside.draft.file["decimal"].value == ","


def test_an_unknown_status_is_for_a_person(tmp_path: Path) -> None:
    """A word that is not known is not taken for a sale; the line says which and what to write."""
    seen = _look(tmp_path, GERMAN.replace("storniert", "umgetopft"))
    assert seen.draft.values["event"]["umgetopft"].value == "?"
    assert "'umgetopft'" in seen.draft.decisions[0]
    assert "skip" in seen.draft.decisions[0]


def test_pieces_below_zero_are_returns(tmp_path: Path) -> None:
    """Without a status the sign of the quantity tells; both events name it."""
    seen = _look(
        tmp_path,
        "InvoiceNo,InvoiceDate,CustomerID,StockCode,Quantity,UnitPrice\n1,2010-12-01,7,A,2,1.5\n2,2010-12-02,7,A,-1,1.5\n",
    )
    assert seen.becomes == {"purchase": 1, "refund": 1}
    assert [row["quantity"] for row in seen.first] == [2, 1]


def test_date_and_clock_in_two_columns_are_one_time(tmp_path: Path) -> None:
    """The halves are joined."""
    seen = _look(
        tmp_path,
        "Bon;Datum;Uhrzeit;Kunde;Artikel;Menge;Preis\n1;03.04.2026;9:05;K;A;1;2,50\n2;13.04.2026;10:05;K;A;1;2,50\n",
    )
    assert (_columns(seen)["Datum"], _columns(seen)["Uhrzeit"]) == ("date", "time")
    assert str(seen.first[0]["time"]) == "2026-04-03 09:05:00+00:00"


def test_a_click_log_is_known_by_its_words(tmp_path: Path) -> None:
    """Events of a visit, numbers since 1970, a session in place of a person."""
    seen = _look(tmp_path, "timestamp,visitorid,event,itemid\n1767510540000,9,view,1\n1767510541000,9,addtocart,1\n")
    assert seen.becomes == {"view_item": 1, "add_to_cart": 1}
    assert seen.draft.file["dates"].value == "epoch"


@pytest.mark.parametrize(
    ("header", "row", "kind"),
    [
        ("id,title,price,brand", "1,Cup,4.90,Acme", "items"),
        ("Artikelnummer;Bezeichnung;Preis", "1;Tasse;4,90", "items"),
        ("Kundennummer;E-Mail;Newsletter", "K1;a@example.org;ja", "customers"),
        ("ID;Year_Birth;Education;Income", "1;1980;PhD;3", "customers"),
        ("order_id,created_at,email,sku", "1,2026-01-01,a@example.org,A", "events"),
    ],
)
def test_the_kind_of_rows_is_told_by_what_they_have(tmp_path: Path, header: str, row: str, kind: str) -> None:
    """Items, customers or events."""
    assert _look(tmp_path, f"{header}\n{row}\n").draft.kind == kind


def test_a_file_that_tells_nothing_asks_for_its_kind(tmp_path: Path) -> None:
    """Nothing is guessed from nothing; what the user says counts."""
    with pytest.raises(InputError, match="--kind events, items or customers"):
        _look(tmp_path, "a,b\n1,2\n")
    assert _look(tmp_path, "a,b\n1,2\n", kind="events").draft.kind == "events"


def test_problems_are_counted_with_their_line(tmp_path: Path) -> None:
    """Rows that cannot be read, ids that are nobody's, prices that are none: each with a count."""
    bad = "B3;05.04.2026;K1;1001;1;frei;bezahlt\r\nB4;99.99.2026;NULL;1001;1;1,00;bezahlt\r\n"
    seen = _look(tmp_path, GERMAN + bad)
    told = {problem.what: (problem.count, problem.line) for problem in seen.problems}
    assert told["rejected: price: not a number from 0 to 1e12"] == (1, 4)
    assert ("user_id: 'NULL' is no id", (1, None)) in told.items()
    assert any(what.startswith("rejected: timestamp") and at == (1, 5) for what, at in told.items())


def test_traits_of_a_table_have_types(tmp_path: Path) -> None:
    """A column of numbers is numbers where all cells are; codes and names are none, and private ones are left out."""
    seen = _look(
        tmp_path,
        "Kundennummer;Vorname;PLZ;Punkte;Geburtsdatum;Stammkunde;Note\nK1;Jo;01067;12;03.04.1985;ja;1\nK2;Al;04109;9;13.04.1985;nein;gut\n",
    )
    assert _columns(seen)["Vorname"] == ""
    assert {target: line.value for target, line in seen.draft.types.items()} == {
        "traits.points": "number", "traits.birthday": "date", "traits.stammkunde": "yes_no",
    }  # fmt: skip


EXPORTS = {
    "fr": (
        "N° commande;Date de commande;N° client;Référence;Quantité;Prix unitaire TTC;Statut\n"
        "F1;03/04/2026 10:12;C1;REF-1;1;24,90 €;Livrée\nF2;13/04/2026 11:12;C2;REF-2;2;1 299,00 €;Remboursée\n"
    ),
    "es": (
        "Nº Pedido;Fecha;Hora;ID Cliente;Código artículo;Cantidad;Precio;Moneda;Estado\n"
        "P1;03-04-2026;9:15;17;A-1;1;12,50;EUR;Enviado\nP2;25-04-2026;19:15;18;A-2;3;1.250,00;EUR;Devuelto\n"
    ),
    "nl": (
        "Bestelnummer,Besteldatum,Klantnummer,Artikelnummer,Aantal,Stukprijs,Orderstatus,Verkoopkanaal\n"
        'N1,2026-04-03 10:00,K1,A1,1,"9,95",Verzonden,Webshop\nN2,2026-04-04 10:00,K2,A2,2,"19,95",Geretourneerd,Winkel\n'
    ),
    "woocommerce": (
        "Order Number,Order Status,Order Date,Customer User ID,Email (Billing),SKU,Quantity,Item Cost\n"
        "1,Completed,2026-04-03 10:00,5,a@example.org,S1,1,9.90\n2,Refunded,2026-04-03 11:00,6,b@example.org,S2,1,9.90\n"
    ),
    "shopify": (
        "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1,a@example.org,paid,EUR,3.00,2026-04-03 09:59:59 +0200,1,Cup,1.00,CUP\n"
        "#2,b@example.org,refunded,EUR,2.00,2026-04-04 09:59:59 +0200,1,Tea,1.00,TEA\n"
    ),
    "till": (
        "Bon-Nr.|Datum|Uhrzeit|Kundenkarte|Artikel-Nr.|Anzahl|VK brutto\n"
        "77|03.04.2026|9:15|LC-1|4001|1|4,90\n78|03.04.2026|9:25||4001|-1|4,90\n"
    ),
}


@pytest.mark.parametrize("shop", EXPORTS)
def test_exports_of_many_shops_need_nobody(tmp_path: Path, shop: str) -> None:
    """One sale and one return of each, with nothing to decide and nothing rejected."""
    seen = _look(tmp_path, EXPORTS[shop])
    assert seen.draft.decisions == []
    assert seen.becomes == {"purchase": 1, "refund": 1}
    assert all(row["price"] > 0 and row["quantity"] > 0 for row in seen.first)


def test_lines_of_an_order_take_what_its_first_line_says(tmp_path: Path) -> None:
    """An export that tells of an order once is known by its columns of lines."""
    row = "#2,,,,,2026-04-04 09:59:59 +0200,3,Pot,5.00,POT\n"
    seen = _look(tmp_path, EXPORTS["shopify"] + row)
    assert seen.draft.repeat == {"by": "Name", "columns": ["Email", "Financial Status", "Currency"]}
    assert seen.becomes == {"purchase": 1, "refund": 2}


def test_a_date_behind_the_name_of_a_consent_is_its_time(tmp_path: Path) -> None:
    """Of one purpose; where another is granted without a time, a person decides."""
    head = "customer_id,email_consent,email_consent_date,sms_consent\n"
    seen = _look(tmp_path, head + "1,yes,2026-01-02,no\n")
    assert _columns(seen)["email_consent_date"] == "consent_time.email"
    assert seen.draft.decisions == []
    assert "sms" in _look(tmp_path, head + "1,yes,2026-01-02,yes\n").draft.decisions[0]


def test_two_columns_never_become_the_same(tmp_path: Path) -> None:
    """The second gets a name of its own among traits, and is left out among events."""
    seen = _look(tmp_path, "Kundennummer;Ort;City;E-Mail\nK1;Jena;Gera;a@example.org\n")
    assert (_columns(seen)["Ort"], _columns(seen)["City"]) == ("traits.city", "traits.city_2")


def test_refunds_of_orders_that_are_not_there_are_told(tmp_path: Path) -> None:
    """An order that stands once, as cancelled, would take off what was never added; one whose purchase is there is none."""
    alone = [problem for problem in _look(tmp_path, GERMAN).problems if problem.what == refunds.ALONE]
    assert [problem.count for problem in alone] == [1]
    bought = "B2;04.04.2026 10:00;K2;Grün;2;4,90;bezahlt\r\n"
    assert refunds.ALONE not in [problem.what for problem in _look(tmp_path, GERMAN + bought).problems]


def test_ids_of_events_that_came_twice_stay_ids(tmp_path: Path) -> None:
    """In the native format; elsewhere an id that repeats is left out, which is told."""
    rows = "e1,2026-01-01,purchase,u,A,o\ne1,2026-01-01,purchase,u,A,o\ne2,2026-01-01,purchase,u,B,o\n"
    native = _look(tmp_path, "event_id,timestamp,event,user_id,item_id,order_id\n" + rows)
    assert _columns(native)["event_id"] == "event_id"
    other = _look(tmp_path, "event_id,Date,event,Customer,sku,Order\n" + rows)
    assert _columns(other)["event_id"] == ""
    assert any(problem.what.startswith("'event_id' is left out, as its ids repeat") for problem in other.problems)


@pytest.mark.parametrize(
    "name", ["email_opt_out", "unsubscribed", "do_not_contact", "Einwilligung Post", "wine_consent"]
)
def test_what_may_be_a_consent_is_asked(tmp_path: Path, name: str) -> None:
    """A column of yes and no that may allow or forbid something never becomes a trait in silence."""
    seen = _look(tmp_path, f"customer_id,{name},likes_wine\nk1,yes,yes\nk2,no,no\n", "crm.csv", kind="customers")
    assert _columns(seen) == {"customer_id": "user_id", name: "?", "likes_wine": "traits.likes_wine"}
    assert any(f"whether {name!r} is a consent" in one for one in seen.draft.decisions)


def test_marketing_consent_is_a_consent(tmp_path: Path) -> None:
    """The usual name of a consent to e-mail is known for one."""
    text = "customer_id,marketing_consent\nk1,yes\nk2,no\n"
    assert _columns(_look(tmp_path, text, "crm.csv", kind="customers"))["marketing_consent"] == "consent.email"
