"""What an event says of an item that no catalogue has."""

import pytest

from etappe.catalog.item import ItemPatch
from etappe.catalog.stubs import described, stub_of
from etappe.events.vocabulary import Purchase, ViewItem


def test_a_stub() -> None:
    """The price comes with its currency, the title is the id where none is told, and texts have their bounds."""
    assert stub_of(ViewItem(item_id="A")) == ItemPatch(id="A", title="A")
    sold = Purchase(item_id="A", price=5.0, currency="EUR", properties={"name": "x" * 3000, "brand": "b"})
    assert stub_of(sold) == ItemPatch(id="A", title="x" * 2000, brand="b", price=5.0, currency="EUR")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"item_name": "Mug", "item_brand": "b", "item_category": "Home", "item_category2": "Mugs"}, {"category": "Home/Mugs"}),
        ({"category": "a > b", "url": "https://s/1", "image_url": "/1.jpg"}, {"category": "a > b", "url": "https://s/1", "image": "/1.jpg"}),
        ({"url": "javascript:x", "image": 7, "name": " ", "category": {"id": 1}}, {}),
    ],
)  # fmt: skip
def test_any_systems_words(said: dict[str, object], found: dict[str, str]) -> None:
    """Segment's and Google's words; what is no text, or no link, is left out."""
    names = {"title": "Mug", "brand": "b"} if "item_name" in said else {}
    assert described(said) == names | found
