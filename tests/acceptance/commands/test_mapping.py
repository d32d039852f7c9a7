"""Files of other shops by the command line: look, decide, import."""

import json
import zipfile
from pathlib import Path

import pytest
from tests.acceptance.shop import inside

ORDERS = (
    "Bestellnummer;Datum;Kunden-Nr.;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Status\r\n"
    "B1;03.04.2026 10:00;K1;1001;Grüner Tee;1;1.299,00;bezahlt\r\n"
    "B2;04.04.2026 11:00;K2;1002;Tasse;2;4,90;storniert\r\n"
    "B3;05.04.2026 12:00;K1;1002;Tasse;3;4,90;versendet\r\n"
)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """An export as a German spreadsheet saves it."""
    path = tmp_path / "orders.csv"
    path.write_bytes(ORDERS.encode("cp1252"))
    return path


def test_an_export_comes_in_by_the_mapping_that_look_wrote(orders: Path, tmp_path: Path) -> None:
    """Two commands, and nobody writes a line."""
    data, out = tmp_path / "data", tmp_path / "mapping.toml"
    seen = inside(data, "look", str(orders), "--out", str(out))
    assert seen.code == 0, seen
    assert f"etappe import {orders} --map {out}" in seen.err
    assert not data.exists()
    ran = inside(data, "import", str(orders), "--map", str(out), "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["events"]) == (0, {"purchase": 2, "refund": 1})
    assert (report["revenue"]["purchases"], report["revenue"]["refunds"]) == ("1313.70", "-9.80")
    again = json.loads(inside(data, "import", str(orders), "--map", str(out), "--json").out)
    assert (again["events"], again["duplicates"]) == ({}, 3)


def test_what_a_person_has_to_decide_is_one_line_and_1(orders: Path, tmp_path: Path) -> None:
    """Until it is decided the import refuses the mapping, and names the line."""
    orders.write_bytes(ORDERS.replace("versendet", "umgetopft").encode("cp1252"))
    out = tmp_path / "mapping.toml"
    seen = inside(tmp_path / "data", "look", str(orders), "--out", str(out))
    assert seen.code == 1
    assert [line for line in seen.err.splitlines() if "to decide" in line and "'umgetopft'" in line] != []
    ran = inside(tmp_path / "data", "import", str(orders), "--map", str(out))
    number = next(at for at, line in enumerate(out.read_text().splitlines(), 1) if line.startswith('"umgetopft"'))
    assert ran.code == 1
    assert f"{out} line {number}: what 'umgetopft' becomes is not decided" in ran.err
    out.write_text(out.read_text().replace('"umgetopft" = "?"', '"umgetopft" = "skip"'))
    assert inside(tmp_path / "data", "import", str(orders), "--map", str(out)).code == 0


def test_a_mapping_that_somebody_mended_is_not_written_over(orders: Path, tmp_path: Path) -> None:
    """Unless it is asked for; the same text may be written again."""
    out = tmp_path / "mapping.toml"
    assert inside(tmp_path / "data", "look", str(orders), "--out", str(out)).code == 0
    written = out.read_text()
    assert inside(tmp_path / "data", "look", str(orders), "--out", str(out)).code == 0
    out.write_text("# mine\n")
    refused = inside(tmp_path / "data", "look", str(orders), "--out", str(out))
    assert (refused.code, out.read_text()) == (1, "# mine\n")
    assert "--force" in refused.err
    assert inside(tmp_path / "data", "look", str(orders), "--out", str(out), "--force").code == 0
    assert out.read_text() == written


def test_a_table_of_customers_comes_in_by_its_names(tmp_path: Path) -> None:
    """What the columns were taken for is said; consents without a time are refused with the remedy."""
    data, path = tmp_path / "data", tmp_path / "crm.csv"
    path.write_text("Kundennummer;E-Mail;Ort;Newsletter\nK1;a@example.org;Jena;ja\nK2;;Gera;nein\n")
    refused = inside(data, "import-customers", str(path))
    assert refused.code == 1
    assert "--as-of" in refused.err
    ran = inside(data, "import-customers", str(path), "--as-of", "2026-01-31", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["events"], report["derived"]) == (0, {"identify": 1, "set_traits": 1}, 2)
    assert "Newsletter -> consent.email" in ran.err
    again = json.loads(inside(data, "import-customers", str(path), "--as-of", "2026-01-31", "--json").out)
    assert (again["events"], again["derived"], again["duplicates"]) == ({}, 0, 2)


def test_the_native_format_says_how_other_columns_come_in(orders: Path, tmp_path: Path) -> None:
    """All columns it does not know are named, and the command that writes a mapping of them."""
    ran = inside(tmp_path / "data", "import", str(orders))
    assert ran.code == 1
    assert all(name in ran.err for name in ("'Bestellnummer'", "'Datum'", "'Kunden-Nr.'", "'Einzelpreis'"))
    assert f"etappe look {orders}" in ran.err


def test_a_file_that_a_format_knows_needs_no_mapping(tmp_path: Path) -> None:
    """Messages of another system name their format, a feed the catalogue's command; nothing is written."""
    out, message = tmp_path / "mapping.toml", tmp_path / "messages.jsonl"
    message.write_text(
        '{"type": "track", "event": "Product Viewed", "messageId": "m", "userId": "u", "properties": {}}\n'
    )
    feed = tmp_path / "feed.xml"
    feed.write_text("<rss><channel><item><id>1</id></item></channel></rss>")
    for path, command in (
        (message, f"etappe import {message} --format segment"),
        (feed, f"etappe import-items {feed}"),
    ):
        seen = inside(tmp_path / "data", "look", str(path), "--out", str(out))
        assert (seen.code, out.exists()) == (0, False)
        assert command in seen.out


def test_an_archive_of_one_file_is_that_file(orders: Path, tmp_path: Path) -> None:
    """Of several one has to be named."""
    archive = tmp_path / "orders.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(orders, "orders.csv")
    assert inside(tmp_path / "data", "look", str(archive), "--out", str(tmp_path / "m.toml")).code == 0
    with zipfile.ZipFile(archive, "a") as packed:
        packed.write(orders, "more.csv")
    seen = inside(tmp_path / "data", "look", str(archive), "--out", str(tmp_path / "m.toml"))
    assert (seen.code, "is 2 files; name one of them" in seen.err) == (1, True)


def test_items_come_in_by_a_mapping(tmp_path: Path) -> None:
    """The same two commands bring a catalogue."""
    path, out = tmp_path / "artikel.csv", tmp_path / "m.toml"
    path.write_text(
        "Artikelnummer;Bezeichnung;Warengruppe;Preis;Farbe\nA1;Tee;Tee;9,90;blau\nA2;Tasse;Geschirr;4,90;rot\n"
    )
    seen = inside(tmp_path / "data", "look", str(path), "--out", str(out))
    assert f"etappe import-items {path} --map {out}" in seen.err
    ran = inside(tmp_path / "data", "import-items", str(path), "--map", str(out), "--json")
    assert (ran.code, json.loads(ran.out)["items"]) == (0, 2)
