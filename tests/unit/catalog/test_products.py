"""What is no product."""

from datetime import UTC, datetime

import pytest

from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.products import NotProducts
from etappe.catalog.table import Catalogue as TheCatalogue
from etappe.settings import NOT_PRODUCTS, Catalogue

RULE = NotProducts(NOT_PRODUCTS)


@pytest.mark.parametrize(
    "item",
    [
        *(Item(id=code) for code in ("POST", "DOT", "M", "c2", "gift_0001_20", "DCGS0069", "TEST001")),
        *(
            Item(id="x1", title=title)
            for title in ("POSTAGE", "Dotcom Postage", "Express shipping", "Versandkosten DE")
        ),
        *(
            Item(id="x1", title=title)
            for title in ("Geschenkverpackung", "Gift wrapping", "Mindermengenzuschlag netto", "Emballage cadeau")
        ),
        *(
            Item(id="x1", title=title)
            for title in ("Gift voucher 20", "Bank Charges", " samples ", "Gutschein 50", "Manual")
        ),
        Item(id="POST", title="A stamp"),
        Item(id="M", title="M", price=3.0),
        Item(id="x1", title="Mug", price=0.0),
        Item(id="x1", title="Mug", product=False),
    ],
)
def test_no_products(item: Item) -> None:
    """Ids, titles, a price of nothing, and what the shop says."""
    assert item in RULE


@pytest.mark.parametrize(
    "item",
    [
        Item(id="M", title="Mug"),
        Item(id="85123A"),
        Item(id="S", title="Sample book of wallpapers"),
        Item(id="x1", title="Baby carriage"),
        Item(id="x1", title="Postage stamp album"),
        Item(id="x1", title="Delivery van, red"),
        Item(id="x1", title="Tester"),
        Item(id="x1", title="Geschenkverpackung Sterne, 3 m"),
        Item(id="x1", title="Gift wrapping paper"),
        Item(id="x1", price=0.0, prices={"EUR": 1.0}),
        Item(id="POST", product=True),
    ],
)
def test_products(item: Item) -> None:
    """What only sounds so is a product, and what the shop says is one."""
    assert item not in RULE


def test_settings() -> None:
    """The patterns and free items are the shop's to say; without any pattern all that costs something is a product."""
    own = Catalogue(not_products=("Fee *",), free_items=True)
    rule = NotProducts(own.not_products, free_items=own.free_items)
    assert [Item(id="a1", title=title, price=0.0) in rule for title in ("FEE x", "Postage")] == [True, False]
    assert Item(id="POST") not in NotProducts(())


def test_what_is_for_sale() -> None:
    """Postage is not for sale, and so is not missed by a file that is all there is; what is yet to come is."""
    catalogue = TheCatalogue()
    for patch in (
        ItemPatch(id="lamp"),
        ItemPatch(id="later", available_from=datetime(2100, 1, 1, tzinfo=UTC)),
        ItemPatch(id="gone", available=False),
        ItemPatch(id="fee", title="Versandkosten"),
    ):
        catalogue.apply(patch)
    assert [catalogue.fragment(int(row)).id for row in catalogue.for_sale()] == ["lamp", "later"]
