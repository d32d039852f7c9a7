"""Files of Segment's messages: the same events as over HTTP, with their payloads."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from etappe.events.translation import segment

ORDER = {
    "type": "track", "event": "Order Completed", "messageId": "m-1", "userId": "u1", "anonymousId": "a1",
    "timestamp": "2026-01-02T03:04:05.678Z",
    "properties": {
        "order_id": "o1", "currency": "EUR",
        "products": [
            {"product_id": "p1", "price": 9.99, "quantity": 2, "name": "Mug", "brand": "Nord", "category": "kitchen/mugs"},
            {"product_id": "p2", "price": "0.10", "quantity": "3"},
        ],
    },
}  # fmt: skip
VIEW = {
    "type": "track", "event": "Product Viewed", "messageId": "m-2", "anonymousId": "a1",
    "timestamp": "2026-01-02T03:00:00Z", "properties": {"product_id": "p1"},
}  # fmt: skip
CUSTOM = VIEW | {"event": "Recipe Printed", "messageId": "m-3"}
NOBODY = {name: value for name, value in VIEW.items() if name != "anonymousId"} | {"messageId": "m-4"}


def _write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_one_message_a_line(shop: Any, tmp_path: Path) -> None:
    """Each product of an order is a line of it; the order is the message's, times its own."""
    report = shop.bring(_write(tmp_path / "a.jsonl", ORDER, VIEW), "segment")
    assert report.events == {"purchase": 2, "view_item": 1}
    rows = shop.events().sort("event", "item_id").select("event", "user_id", "item_id", "quantity", "price").rows()
    assert rows == [
        ("purchase", "u1", "p1", 2, 9.99),
        ("purchase", "u1", "p2", 3, 0.1),
        ("view_item", None, "p1", None, None),
    ]
    assert shop.events()["time"].max() == datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    assert report.revenue.purchases == "20.28"


def test_batches_and_lists_of_messages(shop: Any, tmp_path: Path) -> None:
    """A line may be a batch, with the context it states for all, or a list; both say what single lines say."""
    one = shop.bring(_write(tmp_path / "a.jsonl", ORDER, VIEW), "segment")
    batch = {"batch": [ORDER, VIEW], "sentAt": "2026-01-02T03:04:06Z", "context": {"userAgent": "x"}, "writeKey": "w"}
    again = shop.bring(_write(tmp_path / "b.jsonl", [ORDER, VIEW], batch), "segment")
    assert (again.rows, again.duplicates, again.events) == (2 * one.rows, 2 * one.rows, {})


def test_payload_is_on_the_first_event(shop: Any, tmp_path: Path) -> None:
    """The first event of a message has its bytes, which give the same events again; the others have none."""
    shop.bring(_write(tmp_path / "a.jsonl", ORDER), "segment")
    told = shop.events().sort("item_id")
    first, second = told["raw"].to_list()
    assert second is None
    assert json.loads(first) == ORDER
    again = [msgspec.to_builtins(event) for event in segment.translate(first.encode()).events]
    assert [(one["event_id"], one["item_id"]) for one in again] == told.select("event_id", "item_id").rows()


def test_what_is_no_event_is_told(shop: Any, tmp_path: Path) -> None:
    """What has no name of its own is kept as such, outside models; what is nobody's or no message is rejected."""
    report = shop.bring(_write(tmp_path / "a.jsonl", CUSTOM, NOBODY, "7", '{"type": "teleport"}', "{"), "segment")
    assert (report.events, report.flagged, report.skipped) == ({"other": 1}, {"other": 1}, {})
    assert report.rejected == {
        "user_id: nobody did this; give user_id or anonymous_id (or order_id for a sale)": 1,
        "no JSON object": 1,
        "type: cannot be translated": 1,
        "line: not a JSON object": 1,
    }
    assert [(one["line"], json.loads(one["row"]["payload"])["messageId"]) for one in shop.refused(report)[:1]] == [
        (2, "m-4")
    ]


def test_items_have_the_names_products_have(shop: Any, tmp_path: Path) -> None:
    """Items that the catalogue lacks come in with title, brand, category and price of the products."""
    shop.bring(_write(tmp_path / "a.jsonl", ORDER), "segment")
    found = {item.id: item for item in shop.items}
    assert (found["p1"].title, found["p1"].brand, found["p1"].category) == ("Mug", "Nord", "kitchen/mugs")
    assert (found["p2"].title, found["p2"].price) == ("p2", 0.1)


def test_history_is_not_shifted(shop: Any, tmp_path: Path) -> None:
    """In a file nothing says when a message was received, so its own time stands, whatever `sentAt` says."""
    shop.bring(_write(tmp_path / "a.jsonl", VIEW | {"sentAt": "2026-01-09T00:00:00Z"}), "segment")
    assert shop.events()["time"].to_list() == [datetime(2026, 1, 2, 3, tzinfo=UTC)]


def test_many_lines(shop: Any, tmp_path: Path) -> None:
    """Lines beyond those that are translated at once keep their numbers."""
    views = [VIEW | {"messageId": f"v-{number}"} for number in range(5000)]
    report = shop.bring(_write(tmp_path / "a.jsonl", *views, "nothing"), "segment")
    assert report.events == {"view_item": 5000}
    assert [one["line"] for one in shop.refused(report)] == [5001]
    assert shop.events().select(pl.col("event_id").n_unique()).item() == 5000
