"""Files of the BigQuery export of Google Analytics 4."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.events.translation import ga4

TIME = 1_767_323_045_678_901
"""2026-01-02T03:04:05.678901Z"""


def _param(key: str, kind: str, value: Any) -> dict[str, Any]:
    return {"key": key, "value": {kind: value}}


def _row(name: str, **fields: Any) -> dict[str, Any]:
    """A row as BigQuery writes it: whole numbers of 64 bits are text, what is null is absent."""
    return {
        "event_date": "20260102", "event_timestamp": str(TIME), "event_name": name, "user_pseudo_id": "12.34",
        "event_params": [_param("ga_session_id", "int_value", "77"), _param("page_title", "string_value", "Shop")],
        "privacy_info": {"analytics_storage": "Yes", "ads_storage": "No", "uses_transient_token": "No"},
        "event_bundle_sequence_id": "5", "platform": "WEB", "items": [],
    } | fields  # fmt: skip


ITEMS = [
    {"item_id": "p1", "item_name": "Mug", "item_brand": "(not set)", "item_category": "kitchen", "item_category2": "mugs",
     "price": 9.99, "quantity": "2", "coupon": "(not set)",
     "item_params": [{"key": "colour", "value": {"string_value": "red"}}]},
    {"item_id": "p2", "price": 0.1, "quantity": "3"},
]  # fmt: skip
PURCHASE = _row(
    "purchase",
    user_id="u1",
    items=ITEMS,
    ecommerce={"transaction_id": "T-1", "total_item_quantity": "5", "purchase_revenue": 20.28},
    event_params=[_param("currency", "string_value", "EUR"), _param("value", "double_value", 20.28)],
    user_properties=[
        {"key": "tier", "value": {"string_value": "gold", "set_timestamp_micros": str(TIME - 1)}},
        {"key": "_ltv_EUR", "value": {"int_value": "7"}},
    ],
)


def _write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_purchase(shop: Any, tmp_path: Path) -> None:
    """Each item is a line of the order, at the microsecond of the row."""
    report = shop.bring(_write(tmp_path / "a.jsonl", PURCHASE), "ga4")
    assert report.revenue.purchases == "20.28"
    rows = shop.events().filter(event="purchase").sort("item_id")
    assert rows.select("user_id", "anonymous_id", "item_id", "quantity", "price", "currency", "order_id").rows() == [
        ("u1", "12.34", "p1", 2, 9.99, "EUR", "T-1"),
        ("u1", "12.34", "p2", 3, 0.1, "EUR", "T-1"),
    ]
    assert rows["time"].unique().to_list() == [datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)]
    assert json.loads(rows["properties"][0]) == {
        "item_name": "Mug", "item_category": "kitchen", "item_category2": "mugs", "colour": "red", "value": 20.28,
    }  # fmt: skip


def test_what_is_said_of_the_customer(shop: Any, tmp_path: Path) -> None:
    """User properties are traits from when they were set; user_id and user_pseudo_id are one person; consent is kept."""
    shop.bring(_write(tmp_path / "a.jsonl", PURCHASE), "ga4")
    said = {
        event: (json.loads(told) if told else None, time)
        for event, told, time in shop.events().select("event", "properties", "time").rows()
    }
    at = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    assert said["set_traits"] == ({"tier": "gold"}, at.replace(microsecond=678_900))
    assert said["identify"] == (None, at)
    assert said["set_consent"] == ({"analytics": True, "ad": False, "source": "ga4"}, at)


def test_said_by_every_row_and_kept_once(shop: Any, tmp_path: Path) -> None:
    """What all rows of a day repeat is one event, with the time at which it was said last."""
    rows = [PURCHASE, *(_row("login", user_id="u1", event_timestamp=str(TIME + step)) for step in (3, 9, 6))]
    report = shop.bring(_write(tmp_path / "a.jsonl", *rows), "ga4")
    assert {name: report.events[name] for name in ("set_consent", "identify", "set_traits", "login")} == {
        "set_consent": 1, "identify": 1, "set_traits": 1, "login": 3,
    }  # fmt: skip
    assert shop.events().filter(event="set_consent")["time"].item().microsecond == 678_910


def test_consent_withdrawn_in_the_next_file(shop: Any, tmp_path: Path) -> None:
    """A day has rows in two files of the export: denied, given, and denied again in the second is denied at that time."""
    said = [
        _row("login", event_timestamp=str(TIME + step), privacy_info={"analytics_storage": "Yes", "ads_storage": word})
        for step, word in ((1, "No"), (2, "Yes"), (3, "No"))
    ]
    files = _write(tmp_path / "a.jsonl", *said[:2]), _write(tmp_path / "b.jsonl", said[2])
    assert [shop.bring(file, "ga4").events["set_consent"] for file in files] == [2, 1]
    assert shop.bring(files[1], "ga4").events == {}
    last = shop.events().filter(event="set_consent").sort("time").row(-1, named=True)
    assert json.loads(last["properties"])["ad"] is False


def test_rows_of_one_moment_are_apart(shop: Any, tmp_path: Path) -> None:
    """Events of one batch have one timestamp; their place in it tells them apart, and the same row again is a duplicate."""
    rows = [_row("add_to_cart", items=ITEMS[1:], batch_event_index=str(place)) for place in (1, 2)]
    path = _write(tmp_path / "a.jsonl", *rows)
    assert shop.bring(path, "ga4").events["add_to_cart"] == 2
    assert shop.bring(path, "ga4").events == {}


def test_purchase_also_sent_by_the_measurement_protocol(shop: Any, tmp_path: Path) -> None:
    """An order has the same event ids in the export and in a body, so it counts once."""
    items = [{"item_id": "p1", "price": 9.99, "quantity": 2}, {"item_id": "p2", "price": 0.1, "quantity": 3}]
    params = {"transaction_id": "T-1", "currency": "EUR", "items": items}
    body = {
        "client_id": "12.34",
        "user_id": "u1",
        "timestamp_micros": TIME + 999,
        "events": [{"name": "purchase", "params": params}],
    }
    report = shop.bring(_write(tmp_path / "a.jsonl", PURCHASE, body), "ga4")
    assert report.events["purchase"] == 2
    assert report.duplicates >= 2


def test_payload_is_on_the_first_event(shop: Any, tmp_path: Path) -> None:
    """The first event of a row has its bytes, which give the same events again."""
    shop.bring(_write(tmp_path / "a.jsonl", PURCHASE), "ga4")
    kept = shop.events()["raw"].drop_nulls().to_list()
    assert [json.loads(raw) for raw in kept] == [PURCHASE]
    ids = shop.events()["event_id"].str.replace(r"@\d+$", "")  # consent has the time at which it was said last, too
    assert {one.event_id for one in ga4.translate(kept[0].encode()).events} == set(ids)


def test_what_makes_no_event(shop: Any, tmp_path: Path) -> None:
    """Housekeeping is kept, outside models; rows of nobody, sent without consent to cookies, are rejected."""
    nobody = _row("view_item", items=ITEMS[1:]) | {"user_pseudo_id": None}
    report = shop.bring(_write(tmp_path / "a.jsonl", _row("scroll"), _row("session_start"), nobody), "ga4")
    assert (report.events["other"], report.flagged) == (2, {"other": 2})
    assert report.rejected == {"user_id: nobody did this; give user_id or anonymous_id (or order_id for a sale)": 1}


def _bought(order: object, time: int, *items: str, **row: Any) -> dict[str, Any]:
    """A row of the export of an order by the visitor of `PURCHASE`."""
    listed = [{"item_id": item, "price": 5.0, "quantity": 1} for item in items]
    told = {"event_name": "purchase", "event_timestamp": str(time), "user_pseudo_id": "12.34", "items": listed}
    return told | {"ecommerce": {"transaction_id": order}} | row


DAY = 86_400_000_000


def test_of_two_equal_orders_the_earliest_counts(shop: Any, tmp_path: Path) -> None:
    """An order told again days later, before it in the file or in a file of its own, is the one it was at first."""
    both = [_bought("T", TIME + 20 * DAY, "a", "b"), _bought("T", TIME, "a"), _bought("T", TIME + DAY, "b")]
    report = shop.bring(_write(tmp_path / "a.jsonl", *both), "ga4")
    assert (report.events, report.duplicates) == ({"purchase": 2}, 2)
    assert [time.day for time in shop.events().sort("item_id")["time"]] == [2, 3]
    again = shop.bring(_write(tmp_path / "b.jsonl", _bought("T", TIME + 30 * DAY, "a", "c")), "ga4")
    assert (again.events, again.duplicates) == ({"purchase": 1}, 1)


@pytest.mark.parametrize("order", ["(not set)", None, "null", " "])
def test_a_basket_without_an_order(shop: Any, tmp_path: Path, order: object) -> None:
    """Items of one row that names no order are one order, and those of another row another."""
    rows = [_bought(order, TIME, "a", "b"), _bought(order, TIME + 1, "a")]
    shop.bring(_write(tmp_path / "a.jsonl", *rows), "ga4")
    orders = shop.events().group_by("order_id").agg("item_id").sort(pl.col("item_id").list.len())
    assert orders["item_id"].list.sort().to_list() == [["a"], ["a", "b"]]
    assert orders["order_id"].null_count() == 0


def test_money_of_what_cannot_be_translated(shop: Any, tmp_path: Path) -> None:
    """The report's balance has the money of orders without items, of nameless items, and of what was no price's time."""
    rows = [
        _bought("1", TIME, ecommerce={"transaction_id": "1", "purchase_revenue": 99.0}),
        _bought("2", TIME, "(not set)"),
        _bought("3", TIME, "a", event_timestamp="12345"),
        _bought("4", TIME, "a"),
    ]
    report = shop.bring(_write(tmp_path / "a.jsonl", *rows), "ga4")
    assert (report.revenue.purchases, report.revenue.rejected, report.revenue.total) == ("5.00", "109.00", "114.00")
    assert sorted(reason.partition(":")[0] for reason in report.rejected) == ["item_id", "timestamp"]


@pytest.mark.parametrize("time", [TIME // 1000, str(TIME // 1_000_000), "2026-01-02T03:04:05Z", TIME * 1000])
def test_times_in_other_units(shop: Any, tmp_path: Path, time: object) -> None:
    """Times in seconds, milliseconds, nanoseconds or as text are told by their size."""
    shop.bring(_write(tmp_path / "a.jsonl", _bought("1", TIME, "a", event_timestamp=time)), "ga4")
    assert shop.events()["time"].dt.truncate("1s").to_list() == [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)]


def test_nobodys_ids(shop: Any, tmp_path: Path) -> None:
    """What stands for no user makes nobody one person; what only may be, the report names."""
    users = ("undefined", "NULL ", "(not set)", "[object Object]", "0", "Guest")
    rows = [_bought(str(at), TIME, "a", user_id=user, user_pseudo_id=f"v{at}") for at, user in enumerate(users)]
    report = shop.bring(_write(tmp_path / "a.jsonl", *rows), "ga4")
    assert set(shop.events().filter(event="purchase")["user_id"].drop_nulls()) == {"0", "Guest"}
    assert {one.id for one in report.doubtful} == {"0", "Guest"}
