"""A file does not bring back who was erased."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.integration.importing.conftest import SECRET, Shop

from etappe.ids import subject_of
from etappe.importing.report import Skipped
from etappe.store.identities import tombstones
from etappe.store.identities.tombstones import Tombstone

ERASED = datetime(2026, 2, 1, tzinfo=UTC)
REASON = "erased: the customer was erased since"


def _stones(*identities: tuple[str, str]) -> list[Tombstone]:
    since = int(ERASED.timestamp() * 1000)
    return [tombstones.of(SECRET, subject_of(SECRET, *one), since, "receipt") for one in identities]


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "events.jsonl"
    whole = [
        {"event": "view_item", "event_id": f"e{number}", "timestamp": "2026-01-01T00:00:00Z", "item_id": "i"} | row
        for number, row in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in whole))
    return path


def test_what_was_before_is_left_out_and_told(shop: Shop, tmp_path: Path) -> None:
    """Rows of the erased from before are skipped, counted with their money; those from after, and of others, come in."""
    sale = {"event": "purchase", "user_id": "u", "price": 2.5, "quantity": 2, "order_id": "o"}
    path = _file(
        tmp_path,
        sale,
        sale | {"event": "refund", "quantity": 1},
        {"anonymous_id": "b"},
        {"user_id": "u", "timestamp": "2026-02-01T00:00:01Z"},
        sale | {"user_id": "v"},
        {"event": "purchase", "order_id": "till", "price": 1.0},
    )
    report = shop.bring(path, tombstones=_stones(("user_id", "u"), ("anonymous_id", "b")))
    assert report.skipped == {REASON: Skipped(3, "2.50")}
    assert (report.revenue.purchases, report.revenue.refunds, report.revenue.total) == ("6.00", "0.00", "8.50")
    assert report.events == {"purchase": 2, "view_item": 1}
    assert {"e3", "e4", "e5"} == set(shop.events()["event_id"])
    assert report.customers == 2


def test_others_lose_the_name(shop: Shop, tmp_path: Path) -> None:
    """Others' rows come in without identities of the erased, and claim nothing about them."""
    shared = {"identities": {"device": "tablet", "loyalty_card": "7"}}
    path = _file(
        tmp_path,
        {"user_id": "v", "anonymous_id": "b"},
        {"user_id": "v", "properties": shared | {"size": 44}},
        {"user_id": "v", "properties": {"identities": {"device": "tablet"}}},
        {"user_id": "v", "anonymous_id": "b", "timestamp": "2026-02-02T00:00:00Z"},
        {"user_id": "v", "anonymous_id": "c"},
    )
    report = shop.bring(path, tombstones=_stones(("anonymous_id", "b"), ("device", "tablet")))
    rows = {row["event_id"]: row for row in shop.events().to_dicts()}
    assert [rows[f"e{number}"]["anonymous_id"] for number in range(5)] == [None, None, None, "b", "c"]
    assert rows["e1"]["properties"] == '{"size":44,"identities":{"loyalty_card":"7"}}'
    assert rows["e2"]["properties"] is None
    claimed = {(claim.other_is.kind, claim.cause) for claim in report.claims}
    assert claimed == {("anonymous_id", "e3"), ("anonymous_id", "e4"), ("loyalty_card", "e1")}


def test_payload_goes_with_the_name(shop: Shop, tmp_path: Path) -> None:
    """Where another's row loses a name, the payload it was made of is not kept either."""
    message = {"type": "track", "event": "Product Viewed", "userId": "v", "properties": {"product_id": "i"}}
    path = tmp_path / "messages.jsonl"
    told = [("m1", "b"), ("m2", "c")]
    rows = [message | {"messageId": name, "anonymousId": browser} for name, browser in told]
    path.write_text("".join(json.dumps(row | {"timestamp": "2026-01-01T00:00:00Z"}) + "\n" for row in rows))
    shop.bring(path, "segment", tombstones=_stones(("anonymous_id", "b")))
    kept = {row["event_id"]: (row["anonymous_id"], row["raw"] is None) for row in shop.events().to_dicts()}
    assert kept == {"m1": (None, True), "m2": ("c", False)}


def test_second_import_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    """Rows without ids that lost a name are known again when the file comes a second time."""
    row = {"user_id": "v", "anonymous_id": "b", "event_id": None}
    path = _file(tmp_path, row, row, {"user_id": "v", "event_id": None})
    stones = _stones(("anonymous_id", "b"))
    shop.bring(path, tombstones=stones)
    again = shop.bring(path, tombstones=stones)
    assert (again.events, again.duplicates, shop.events().height) == ({}, 3, 3)
