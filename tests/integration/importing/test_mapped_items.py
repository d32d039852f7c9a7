"""Tables of items by a mapping, into the catalogue."""

from pathlib import Path

from tests.integration.importing.conftest import Shop

from etappe.importing.catalogue.items import import_items
from etappe.importing.judging.report import ItemsReport
from etappe.importing.mapping import items, looking, mapping
from etappe.settings import Settings

ROWS = (
    "Artikelnummer;Bezeichnung;Warengruppe;Hersteller;Preis;Lagernd;Farbe;Gewicht\n"
    "A1;Grüner Tee;Tee;Acme;1.299,50 EUR;ja;grün;1,5\n"
    "\n"
    'A2;"Tasse\nblau";Geschirr;;4,90 EUR;nein;;\n'
    "A3;Sieb;Geschirr;;frei;ja;;\n"
)


def _bring(shop: Shop, text: str, told: str) -> ItemsReport:
    shop.folder.mkdir(exist_ok=True)
    path = shop.folder / "artikel.csv"
    path.write_bytes(text.encode("cp1252"))
    with items.translated(path, mapping.parsed(told, Path("mapping.toml")), "UTC") as made:
        return import_items(made, upsert=shop.items.extend, rejected=shop.rejected, settings=Settings())


def test_a_table_becomes_items(shop: Shop) -> None:
    """Prices with decimal commas and their currency, words for availability, attributes with types."""
    told = """
[file]
kind = "items"
decimal = ","
[columns]
"Artikelnummer" = "id"
"Bezeichnung" = "title"
"Warengruppe" = "category"
"Hersteller" = "brand"
"Preis" = "price"
"Lagernd" = "available"
"Farbe" = "attributes.color"
"Gewicht" = "attributes.weight"
[types]
"attributes.weight" = "number"
"""
    report = _bring(shop, ROWS, told)
    first, second = shop.items
    assert (first.id, first.title, first.category, first.brand) == ("A1", "Grüner Tee", "Tee", "Acme")
    assert (first.price, first.currency, first.available) == (1299.5, "EUR", True)
    assert first.attributes == {"color": "grün", "weight": 1.5}
    assert (second.title, second.available) == ("Tasse\nblau", False)
    assert report.rejected_file is not None
    assert b'"line":6' in Path(report.rejected_file).read_bytes()


def test_what_look_writes_of_items_is_taken(shop: Shop) -> None:
    """Names of columns tell fields, others become attributes."""
    shop.folder.mkdir(exist_ok=True)
    path = shop.folder / "look.csv"
    path.write_text(ROWS.replace(" EUR", ""), encoding="utf-8")
    seen = looking.look(path, Settings())
    assert seen.draft.kind == "items"
    report = _bring(shop, ROWS.replace(" EUR", ""), seen.text.replace("utf-8", "cp1252"))
    assert report.items == 2
    assert shop.items[0].price == 1299.5
    assert shop.items[0].attributes["farbe"] == "grün"
