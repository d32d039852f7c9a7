"""What the columns of a catalogue say of an item."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etappe.errors import InputError
from etappe.importing.catalogue.columns import product
from etappe.importing.catalogue.columns.cells import Reading
from etappe.values.money import Mark
from etappe.values.times import Order

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
READING = Reading(ZoneInfo("Europe/Berlin"), NOW, Mark.POINT, Order.DMY)


def _fields(**row: Any) -> dict[str, Any]:
    return product.fields(row, READING)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "A", "title": "Mug", "price": "9.90", "currency": "EUR", "category": "Home > Mugs", "url": "https://s/a", "image": "/a.jpg"},
        {"g:id": "A", "g:title": "Mug", "g:price": "9.90 EUR", "Product Type": "Home > Mugs", "Link": "HTTPS://s/a", "image link": "/a.jpg"},
        {"objectID": "A", "name": "Mug", "price": 9.9, "currencyCode": "eur", "categories": ["Home > Mugs"], "url": "https://s/a", "imageUrl": "/a.jpg"},
        {"ITEM_ID": "A", "item_name": "Mug", "PRICE": {"value": "9.90", "currency": "EUR"}, "CATEGORY_L1": "Home", "CATEGORY_L2": "Mugs", "permalink": "https://s/a", "images": "/a.jpg"},
        {"sku": "A", "ec_name": "Mug", "ec_price": "€ 9.90", "hierarchicalCategories": {"lvl0": "Home", "lvl1": "Home > Mugs"}, "clickableUri": "https://s/a", "ec_images": ["/a.jpg"]},
    ],
)  # fmt: skip
def test_whoever_names_the_columns(row: dict[str, Any]) -> None:
    """The columns of feeds and of search engines are fields of the item, however they are spelt."""
    found = product.fields(row, READING)
    found.pop("attributes", None)
    assert found == {
        "id": "A", "title": "Mug", "price": 9.9, "currency": "EUR", "category": "Home/Mugs", "url": "https://s/a", "image": "/a.jpg",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "price", "kept"),
    [
        ({"sale_price": "8"}, 8.0, True),
        ({"sale_price": "0"}, 10.0, False),
        ({"sale_price": "12"}, 10.0, True),
        ({"special_price": 8}, 8.0, True),
        ({"sale_price": "8", "sale_price_effective_date": "2026-01-01/2026-02-01"}, 10.0, True),
        ({"sale_price": "8", "sale_price_effective_date": "2026-01-01T00:00/2026-12-31T00:00"}, 8.0, True),
        ({"sale_price": "8", "sale_price_effective_date": "/"}, 8.0, True),
        ({"sale_price": "8", "sale_price_effective_date": "2027-01-01/"}, 10.0, True),
    ],
)
def test_sales(said: dict[str, Any], price: float, kept: bool) -> None:
    """A sale counts where it is cheaper, more than nothing, and on; both prices are kept beside it."""
    found = _fields(id="A", price="10.00", **said)
    assert found["price"] == price
    assert (found.get("attributes", {}).get("regular_price") == 10.0) is kept


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"availability": "InStock"}, {"available": True, "available_from": None, "available_until": None}),
        ({"available": "nein"}, {"available": False}),
        ({"available": True, "stock_status": "outofstock"}, {"available": False}),
        ({"IsHidden": "true"}, {"available": False}),
        ({"is_hidden": False}, {"available": True}),
        ({"available": None}, {"available": None}),
        (
            {"availability": "preorder", "availability_date": "31/12/2026"},
            {"available": True, "available_from": datetime(2026, 12, 30, 23, tzinfo=UTC), "available_until": None},
        ),
        ({}, {}),
    ],
)
def test_availability(said: dict[str, Any], found: dict[str, Any]) -> None:
    """What any column says is sold out is not available; a feed that tells it takes back the dates it does not name."""
    told = {name: value for name, value in _fields(id="A", **said).items() if name.startswith("available")}
    assert told == found


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ({"category": "Kaffee & Tee > Kaffee"}, "Kaffee & Tee/Kaffee"),
        ({"category": "Kaffee &amp; Tee &gt; Kaffee"}, "Kaffee & Tee/Kaffee"),
        ({"category": "12"}, "12"),
        ({"product_type": "Home>Lamps/Bulbs", "google_product_category": "594"}, "Home/Lamps-Bulbs"),
        ({"google_product_category": "212"}, None),
        ({"google_product_category": "166 - Apparel > Shirts"}, "Apparel/Shirts"),
        ({"product_type": "12", "google_product_category": "Home > Mugs"}, "Home/Mugs"),
        ({"category_l1": "Tea/Herbs", "category_l2": "Mint"}, "Tea-Herbs/Mint"),
    ],
)
def test_categories(said: dict[str, Any], category: str | None) -> None:
    """A category is a path whatever parts its levels; a number of Google's taxonomy is none."""
    assert _fields(id="A", **said).get("category") == category


def test_several_pictures() -> None:
    """The first picture is the item's, the others are kept."""
    found = _fields(id="A", image_link=["https://s/1", "https://s/2"], additional_image_link="https://s/3,https://s/4")
    assert found["image"] == "https://s/1"
    assert found["attributes"] == {"additional_image_link": ["https://s/2", "https://s/3", "https://s/4"]}


def test_pictures_as_objects() -> None:
    """A picture told as an object is the address in it."""
    found = _fields(id="1", images=[{"id": 4, "src": "https://x/a.jpg"}, {"url": "https://x/b.jpg"}])
    assert found["image"] == "https://x/a.jpg"
    assert found["attributes"] == {"additional_image_link": ["https://x/b.jpg"]}


def test_an_open_date_names_the_setting() -> None:
    """A date of a catalogue that may be two names the setting that decides it, as its command has no option."""
    open_ = Reading(ZoneInfo("Europe/Berlin"), NOW, Mark.POINT)
    with pytest.raises(InputError, match=r"^availability_date: ambiguous.*values.dates"):
        product.fields({"id": "1", "availability": "preorder", "availability_date": "04/05/2027"}, open_)


def test_what_no_field_takes_is_kept_under_its_name() -> None:
    """Other columns are attributes, and so is what several columns of one meaning say beside the first."""
    found = _fields(id="A", sku="S-1", Colour="red", attributes='{"size": 4}', description="d")
    assert found["attributes"] == {"sku": "S-1", "Colour": "red", "size": 4, "description": "d"}


def test_signs_of_html_in_titles() -> None:
    """Entities that a program has written twice are the signs that they stand for; an ampersand alone stays."""
    assert _fields(id="A", title="Caf&eacute; &#38; Tea&co; R&D")["title"] == "Café & Tea&co; R&D"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"availability": "maybe"}, "availability: neither available nor not"),
        ({"in_stock": "7"}, "in_stock: neither available nor not"),
        ({"price": "free"}, "price: no amount of money"),
        ({"price": "-1"}, "price: below 0"),
        ({"price": {"net": 1}}, "price: an object without an amount"),
        ({"price": "1 EUR", "currency": "USD"}, "price: in another currency than is stated beside it"),
        ({"price": "1 EUR", "sale_price": "1 USD"}, "sale_price: in another currency than price"),
        ({"expiration_date": "soon"}, "expiration_date: no time"),
        ({"sale_price": "1", "sale_price_effective_date": "today"}, "sale_price_effective_date: not two times"),
        ({"link": "www.shop.example"}, "link: no link that begins with"),
        ({"title": True}, "title: no text"),
        ({"titles": "{"}, "titles: not JSON"),
    ],
)
def test_what_cannot_be_read(said: dict[str, Any], reason: str) -> None:
    """A cell that is none of what its column holds refuses the row, and names the column as the file does."""
    with pytest.raises(InputError, match=reason):
        _fields(id="A", **said)
