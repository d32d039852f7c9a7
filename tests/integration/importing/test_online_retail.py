"""The invoices of the gift shop: sales, returns, strangers, charges, countries, catalogue."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.settings import Catalogue, Settings

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = [
    "1,10001A,RED MUG,6,2011-01-03 10:00:00,2.55,17850.0,France\n",
    "1,10001A,RED MUG,6,2011-01-03 10:00:00,2.55,17850.0,France\n",
    "1,POST,POSTAGE,1,2011-01-03 10:00:00,18,17850.0,France\n",
    "2,10001a,RED MUG,1,2011-01-04 10:00:00,0.001,,United Kingdom\n",
    "3,10002,damages,-5,2011-01-05 10:00:00,0,,United Kingdom\n",
    "C4,10001A,RED MUG,-2,2011-01-06 10:00:00,2.55,17850.0,Germany\n",
    "C5,10001A,RED MUG,-99,2011-01-07 10:00:00,2.55,17850.0,Germany\n",
    "C6,10001A,RED MUG,-1,2011-01-07 10:00:00,2.55,,Unspecified\n",
    "7,10001A,RED MUG  CHIPPED ,1,2011-01-08 10:00:00,3.00,99.0,Unspecified\n",
    "8,10001A,RED MUG,1,soon,1.00,99.0,France\n",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one of each kind of row."""
    file = tmp_path / "invoices.csv"
    file.write_text(HEADER + "".join(ROWS))
    return file


def test_counts_and_money(shop: Any, path: Path) -> None:
    """Every row is a sale, a return, a stated skip or rejected, and so is every penny."""
    report = shop.bring(path, "online-retail")
    assert (report.rows, report.events, report.derived) == (10, {"purchase": 4, "refund": 3}, 2)
    skipped = {reason: (one.rows, one.revenue) for reason, one in report.skipped.items()}
    assert skipped == {"charge: postage (POST)": (1, "18.00"), "price 0: stock adjustment or gift": (1, "0.00")}
    assert report.rejected == {"timestamp: not a time": 1}
    money = report.revenue
    assert (money.purchases, money.refunds, money.skipped) == ("33.601", "-260.10", "18.00")
    assert (money.rejected, money.total) == ("1.00", "-207.499")


def test_second_import_adds_nothing(shop: Any, path: Path) -> None:
    """Importing the file again changes neither log nor catalogue, and tells the same customers."""
    first = shop.bring(path, "online-retail")
    before, items = shop.events(), len(shop.items)
    second = shop.bring(path, "online-retail")
    assert (second.events, second.derived, second.duplicates, second.items) == ({}, 0, 7, 0)
    assert before.equals(shop.events())
    assert len(shop.items) == items
    assert sorted(first.subjects.to_list()) == sorted(second.subjects.to_list())


def test_repeated_lines_both_count(shop: Any, path: Path) -> None:
    """Two equal lines of an invoice are two events with ids of their own."""
    shop.bring(path, "online-retail")
    lines = shop.events().filter(pl.col("order_id") == "1", pl.col("event") == "purchase")
    assert (lines.height, lines["event_id"].n_unique()) == (2, 2)


def test_returns(shop: Any, path: Path) -> None:
    """A return names the order it gives back, and its own number; one too large names none; a stranger's its own."""
    shop.bring(path, "online-retail")
    refunds = shop.events().filter(pl.col("event") == "refund").sort("time", "quantity", descending=[False, True])
    found = refunds.select("order_id", "quantity", "price", "properties", pl.col("subject").is_null()).rows()
    assert found == [
        ("1", 2, 2.55, '{"invoice":"C4"}', False),
        (None, 99, 2.55, '{"invoice":"C5"}', False),
        ("C6", 1, 2.55, '{"invoice":"C6"}', True),
    ]


def test_strangers_keep_their_invoice(shop: Any, path: Path) -> None:
    """A line without a customer has no subject, and its invoice for co-purchase."""
    shop.bring(path, "online-retail")
    row = shop.events().filter(pl.col("order_id") == "2").select("subject", "user_id", "item_id", "currency").row(0)
    assert row == (None, None, "10001A", "GBP")


def test_countries(shop: Any, path: Path) -> None:
    """A customer's first country and each change of it is a trait; "Unspecified" is none."""
    shop.bring(path, "online-retail")
    traits = shop.events().filter(pl.col("event") == "set_traits").sort("time")
    assert traits.select("user_id", "properties").rows() == [
        ("17850", '{"country":"France"}'),
        ("17850", '{"country":"Germany"}'),
    ]


def test_catalogue(shop: Any, path: Path) -> None:
    """A product has the description of most of its sales and its usual price; stock adjustments make no product."""
    shop.bring(path, "online-retail")
    assert shop.items == [ItemPatch(id="10001A", title="RED MUG", price=2.55, currency="GBP")]


def test_notes_are_no_titles(shop: Any, tmp_path: Path) -> None:
    """A note in lower case is a title only where there is nothing better."""
    line = "{n},{code},{text},1,2011-01-03 10:00:00,1,,UK\n"
    notes = [("10001", "found"), ("10001", "found"), ("10001", "BLUE CUP"), ("10002", "?"), ("10003", "wet")]
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "".join(line.format(n=n, code=code, text=text) for n, (code, text) in enumerate(notes)))
    shop.bring(path, "online-retail")
    assert {item.id: item.title for item in shop.items} == {"10001": "BLUE CUP", "10002": "10002", "10003": "wet"}


def test_other_spellings(shop: Any, tmp_path: Path) -> None:
    """The columns and American dates of the spreadsheet editions are understood, in the shop's time zone."""
    path = tmp_path / "a.csv"
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    rows = ("1,10001,MUG,6,7/1/2010 8:26,2.55,17850.0,France", "2,10001,MUG,6,7/13/2010 8:26,2.55,17850,France")
    path.write_text(header + "\n".join(rows))
    shop.bring(path, "online-retail", settings=Settings(catalogue=Catalogue(time_zone="Europe/London")))
    row = shop.events().filter(pl.col("event") == "purchase").sort("time").select("time", "user_id").row(0)
    assert row == (datetime(2010, 7, 1, 7, 26, tzinfo=UTC), "17850")
