"""Files of other shops by a mapping, into the log."""

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.integration.importing.conftest import Shop

from etappe.errors import InputError
from etappe.importing.judging import refunds
from etappe.importing.judging.report import ImportReport
from etappe.importing.mapping import mapping, translating

COLUMNS = """
[file]
decimal = ","
dates = "dmy"
zone = "Europe/Berlin"

[columns]
"Bestellnummer" = "order_id"
"Datum" = "timestamp"
"Kunden-Nr." = "user_id"
"Artikelnummer" = "item_id"
"Bezeichnung" = "item.title"
"Menge" = "quantity"
"Einzelpreis" = "price"
"Status" = ["event", "properties.status"]
"Land" = "traits.country"

[constants]
currency = "EUR"
channel = "store"
"""
VALUES = """
[values.event]
"bezahlt" = "purchase"
"storniert" = "refund"
"offen" = "skip"
"""
HEADER = "Bestellnummer;Datum;Kunden-Nr.;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Status;Land\r\n"
ROWS = (
    "B1;15.01.2026 10:00;K1;A;Grüner Tee;2;1.299,50;bezahlt;Deutschland\r\n"
    "B1;15.01.2026 10:00;K1;B;Tasse;1;4,90;Bezahlt ;Deutschland\r\n"
    "B2;16.01.2026 10:00;K2;A;Grüner Tee;1;10,00;storniert;Österreich\r\n"
    "B3;17.01.2026 10:00;K2;A;Grüner Tee;1;20,00;offen;Österreich\r\n"
)


def _bring(shop: Shop, text: str, told: str, **options: Any) -> ImportReport:
    shop.folder.mkdir(exist_ok=True)
    path = shop.folder / "export.csv"
    path.write_bytes(text.encode("cp1252"))
    form = translating.format_of(mapping.parsed(told, Path("mapping.toml")))
    return shop.bring(path, "map", read_as=form, **options)


def _properties(rows: pl.DataFrame) -> list[Any]:
    return [msgspec.json.decode(text) for text in rows["properties"]]


def test_an_export_becomes_events(shop: Shop) -> None:
    """Columns, constants, words of a status, decimal commas, days before months in the shop's zone."""
    report = _bring(shop, HEADER + ROWS, COLUMNS + VALUES)
    assert report.events == {"purchase": 2, "refund": 1}
    assert {why: (one.rows, one.revenue) for why, one in report.skipped.items()} == {"Status: offen": (1, "20.00")}
    assert report.revenue.purchases == "2603.90"
    assert report.revenue.refunds == "-10.00"
    assert report.revenue.total == "2613.90"
    sold = shop.events().filter(pl.col("event") == "purchase").sort("item_id")
    assert sold["time"].dt.strftime("%F %H:%M").unique().to_list() == ["2026-01-15 09:00"]
    assert sold.select("user_id", "item_id", "quantity", "price", "currency", "order_id", "channel").rows() == [
        ("K1", "A", 2, 1299.5, "EUR", "B1", "store"),
        ("K1", "B", 1, 4.9, "EUR", "B1", "store"),
    ]
    assert [one["status"] for one in _properties(sold)] == ["bezahlt", "Bezahlt"]
    assert {item.id: item.title for item in shop.items} == {"A": "Grüner Tee", "B": "Tasse"}


def test_the_same_file_again_adds_nothing(shop: Shop) -> None:
    """Traits neither."""
    first = _bring(shop, HEADER + ROWS, COLUMNS + VALUES)
    again = _bring(shop, HEADER + ROWS, COLUMNS + VALUES)
    assert (first.derived, again.derived, again.events, again.duplicates) == (2, 0, {}, 3)


def test_traits_are_said_once_and_at_each_change(shop: Shop) -> None:
    """By the time of the rows, whatever their order in the file."""
    line = "B%d;%02d.01.2026;K1;A;Tee;1;1,00;bezahlt;%s\r\n"
    rows = [line % one for one in [(1, 20, "DE"), (2, 10, "DE"), (3, 15, "AT"), (4, 25, "DE")]]
    _bring(shop, HEADER + "".join(rows), COLUMNS + VALUES)
    said = shop.events().filter(pl.col("event") == "set_traits").sort("time")
    assert said["time"].dt.day().to_list() == [9, 14, 19]  # midnight in Berlin is the day before in UTC
    assert [one["country"] for one in _properties(said)] == ["DE", "AT", "DE"]


def test_what_cannot_be_read_is_rejected_with_a_reason(shop: Shop) -> None:
    """A price that is none, a word that is not named, a month that is none; the money of none is lost."""
    bad = (
        "B4;17.01.2026;K2;A;Tee;1;frei;bezahlt;\r\n"
        "B5;17.01.2026;K2;A;Tee;1;5,00;verschollen;\r\n"
        "B6;17.17.2026;K2;A;Tee;1;7,00;bezahlt;\r\n"
    )
    report = _bring(shop, HEADER + bad, COLUMNS + VALUES)
    assert report.events == {}
    assert [(row["line"], row["reason"].partition(":")[0]) for row in shop.refused(report)] == [
        (2, "price"), (3, "event"), (4, "timestamp"),
    ]  # fmt: skip
    assert shop.refused(report)[0]["row"]["Einzelpreis"] == "frei"
    assert report.revenue.rejected == "7.00"


def test_all_other_words_may_be_named_at_once(shop: Shop) -> None:
    """`*` is every value that the table does not name, and an empty name an empty cell."""
    rows = ROWS.replace(";offen;", ";;")
    report = _bring(
        shop, HEADER + rows, COLUMNS + '[values.event]\n"storniert" = "refund"\n"*" = "purchase"\n"" = "skip"'
    )
    assert report.events == {"purchase": 2, "refund": 1}
    assert sum(one.rows for one in report.skipped.values()) == 1


def test_a_row_may_make_several_events(shop: Shop) -> None:
    """A line with the times of its view and its cart makes one of each where the time is there."""
    told = """
[columns]
"visitor" = "anonymous_id"
"sku" = "item_id"

[[events]]
event = "view_item"
columns = {"viewed" = "timestamp"}
when = {"viewed" = "*"}

[[events]]
event = "add_to_cart"
columns = {"added" = "timestamp", "pieces" = "quantity"}
when = {"added" = "*"}
"""
    rows = (
        "visitor;sku;viewed;added;pieces\nv1;A;2026-01-01 10:00;2026-01-01 10:05;3\nv2;A;2026-01-01 11:00;;\nv3;A;;;\n"
    )
    report = _bring(shop, rows, told)
    assert report.events == {"view_item": 2, "add_to_cart": 1}
    assert {why: one.rows for why, one in report.skipped.items()} == {translating.NO_EVENT: 1}
    cart = shop.events().filter(pl.col("event") == "add_to_cart")
    assert cart.select("anonymous_id", "quantity", pl.col("time").dt.minute()).rows() == [("v1", 3, 5)]


def test_the_sign_of_pieces_tells_returns_and_rules_leave_out(shop: Shop) -> None:
    """Pieces below zero come back as pieces; a rule of `skip` counts under its reason."""
    told = """
[columns]
"Invoice" = "order_id"
"Date" = "timestamp"
"Customer" = "user_id"
"Code" = "item_id"
"Qty" = "quantity"
"Sum" = "total"

[[skip]]
reason = "postage"
when = {"Code" = ["POST", "DOT"]}

[[events]]
event = "purchase"
when = {"Qty" = ">0"}

[[events]]
event = "refund"
when = {"Qty" = "<0", "Invoice" = "C*"}
"""
    rows = "Invoice,Date,Customer,Code,Qty,Sum\n1,2026-01-01,u,A,3,29.97\nC2,2026-01-02,u,A,-1,-9.99\n1,2026-01-01,u,post,1,4.5\n"
    report = _bring(shop, rows, told)
    assert report.events == {"purchase": 1, "refund": 1}
    assert {why: one.revenue for why, one in report.skipped.items()} == {"postage": "4.50"}
    assert shop.events().sort("time").select("quantity", "price").rows() == [(3, 9.99), (1, 9.99)]
    assert report.revenue.total == "24.48"


def test_money_that_comes_back_is_taken_off_once(shop: Shop) -> None:
    """Whether pieces, price or neither is written below zero."""
    told = (
        '[columns]\n"No" = "order_id"\n"At" = "timestamp"\n"Item" = "item_id"\n"Qty" = "quantity"\n"Price" = "price"\n'
        '[constants]\nevent = "refund"\ncurrency = "EUR"'
    )
    rows = "No,At,Item,Qty,Price\n1,2026-01-01,A,-2,1.50\n2,2026-01-01,A,2,-1.50\n3,2026-01-01,A,2,1.50\n"
    report = _bring(shop, rows, told)
    assert report.events == {"refund": 3}
    assert (report.revenue.refunds, report.revenue.total) == ("-9.00", "-9.00")


def test_ids_and_prices_are_cleaned_as_everywhere(shop: Shop) -> None:
    """17850.0 is 17850, NULL is nobody, and a currency beside a price is its currency."""
    told = (
        '[columns]\n"No" = "order_id"\n"At" = "timestamp"\n"Who" = "user_id"\n"Item" = "item_id"\n"Price" = "price"\n'
        '[constants]\nevent = "purchase"'
    )
    rows = 'No,At,Who,Item,Price\n1,2026-01-01,17850.0,A,"12,99 EUR"\n2,2026-01-01,NULL,A,3.50 USD\n'
    _bring(shop, rows, told)
    assert shop.events().sort("order_id").select("user_id", "price", "currency").rows() == [
        ("17850", 12.99, "EUR"), (None, 3.5, "USD"),
    ]  # fmt: skip


def test_what_stands_in_the_first_line_of_an_order_holds_of_its_others(shop: Shop) -> None:
    """Cells that are empty take what stands above, but not that of another order, nor cells of no such column."""
    told = """
[columns]
"Order" = "order_id"
"At" = "timestamp"
"Who" = "user_id"
"Item" = "item_id"
"Price" = "price"
[constants]
event = "purchase"
[repeat]
by = "Order"
columns = ["Who", "At"]
"""
    rows = "Order,At,Who,Item,Price\n1,2026-01-01,u,A,1\n1,,,B,\n2,2026-01-02,,A,2\n2,,w,B,3\n"
    _bring(shop, rows, told)
    assert shop.events().sort("order_id", "item_id").select("user_id", "item_id", "price").rows() == [
        ("u", "A", 1.0), ("u", "B", None), (None, "A", 2.0), ("w", "B", 3.0),
    ]  # fmt: skip


def test_identities_are_hashed_as_everywhere(shop: Shop) -> None:
    """An address of a column is kept as its hash alone, and says whose the row is."""
    told = '[columns]\n"Mail" = "identities.email"\n"Sku" = "item_id"\n"At" = "timestamp"\n[constants]\nevent = "view_item"'
    _bring(shop, "Mail,Sku,At\nA@example.org,S,2026-01-01\n", told)
    row = shop.events().row(0, named=True)
    assert "@" not in row["properties"]
    assert row["subject"] is not None


def test_what_reading_showed_stands_in_the_report(shop: Shop) -> None:
    """A row with fewer cells than the header is told of as in every import."""
    report = _bring(shop, HEADER + ROWS.replace(";Deutschland", "", 1), COLUMNS + VALUES)
    assert any("fewer cells" in remark for remark in report.remarks)


def test_refunds_without_their_purchases_are_told(shop: Shop) -> None:
    """Where not one has its purchase in the file, the report says so; one that has makes it a file of movements."""
    alone = f"1 {refunds.ALONE}"
    assert alone in _bring(shop, HEADER + ROWS, COLUMNS + VALUES).remarks
    bought = "B2;15.01.2026 09:00;K2;A;Grüner Tee;1;10,00;bezahlt;Österreich\r\n"
    assert alone not in _bring(shop, HEADER + ROWS + bought, COLUMNS + VALUES).remarks
    assert alone not in _bring(shop, HEADER + ROWS.replace("B2", "", 1), COLUMNS + VALUES).remarks


def test_a_column_that_is_not_there_is_named(shop: Shop) -> None:
    """With the one that was meant."""
    with pytest.raises(InputError, match="no column 'Datum'; did you mean 'Datun'"):
        _bring(shop, HEADER.replace("Datum", "Datun") + ROWS, COLUMNS + VALUES)
    assert shop.events().is_empty()
