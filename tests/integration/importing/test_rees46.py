"""Logs of views, carts and purchases."""

from pathlib import Path
from typing import Any

import polars as pl

from etappe.catalog.item import ItemPatch
from etappe.importing.judging.report import ImportReport

HEADER = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
ROWS = [
    "2019-10-01 00:00:00 UTC,view,11,1,electronics.audio.head_phone,apple,9.50,7,s1\n",
    "2019-10-01 00:00:01 UTC,cart,11,1,,,9.00,7,s1\n",
    "2019-10-01 00:00:01 UTC,cart,11,1,,,9.00,7,s1\n",
    "2019-10-01 00:00:02 UTC,purchase,11,1,,,9.00,7,s1\n",
    "2019-10-01 00:00:03 UTC,remove_from_cart,12,1,,,1.00,8,\n",
    "2019-10-01 00:00:04 UTC,view,12,1,,,1.00,8,s2,more\n",
    "2019-10-01 00:00:04 UTC,wish,12,1,,,1.00,8,s2\n",
    "2019-10-01 00:00:05 UTC,view,12,1,,",
]


def _bring(shop: Any, folder: Path) -> ImportReport:
    path = folder / "2019-Oct.csv"
    path.write_text(HEADER + "".join(ROWS))
    return shop.bring(path, "rees46")


def test_events(shop: Any, tmp_path: Path) -> None:
    """Events have GA4's names, the session, and for purchases the session as order; the cut last line is rejected."""
    report = _bring(shop, tmp_path)
    assert report.events == {"add_to_cart": 2, "view_item": 1, "purchase": 1, "remove_from_cart": 1}
    assert [row["line"] for row in shop.refused(report)] == [7, 8, 9]
    bought = shop.events().filter(pl.col("event") == "purchase")
    names = ["item_id", "quantity", "price", "currency", "order_id", "properties"]
    assert bought.select(names).rows() == [("11", 1, 9.0, "USD", "s1", '{"session":"s1"}')]
    assert report.revenue.purchases == "9.00"


def test_catalogue(shop: Any, tmp_path: Path) -> None:
    """Category, brand and title are the latest ones known, the price the usual one."""
    _bring(shop, tmp_path)
    assert shop.items == [
        ItemPatch(
            id="11",
            title="Apple head phone 11",
            category="electronics/audio/head_phone",
            brand="apple",
            price=9.0,
            currency="USD",
        ),
        ItemPatch(id="12", title="product 12", price=1.0, currency="USD"),
    ]


def test_again(shop: Any, tmp_path: Path) -> None:
    """A second import of the file adds nothing, although two of its rows say the same."""
    _bring(shop, tmp_path)
    report = _bring(shop, tmp_path)
    assert (report.events, report.duplicates, shop.events().height) == ({}, 5, 5)
