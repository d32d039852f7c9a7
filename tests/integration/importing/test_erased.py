"""A file does not bring back who was erased."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.integration.importing.conftest import SECRET, Shop

from etappe.events.identities import hashed_email, hashed_phone
from etappe.ids import subject_of
from etappe.importing.judging.rejected_file import WITHHELD
from etappe.importing.judging.report import Skipped
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


def test_others_lose_what_tells_the_erased_in_texts(shop: Shop, tmp_path: Path) -> None:
    """Others' traits come in without an erased address or unique id, and keep values that only equal an id."""
    said = {"note": "ask Ada@Example.com (+1 202 555-0123) or visitor-51e2d7", "size": "5", "by": "b", "n": 5}
    path = _file(tmp_path, {"event": "set_traits", "user_id": "v", "properties": said})
    told = [("email_sha256", hashed_email("ada@example.com")), ("phone_sha256", hashed_phone("+12025550123"))]
    told += [("anonymous_id", "visitor-51e2d7"), ("user_id", "5"), ("anonymous_id", "b")]
    shop.bring(path, tombstones=_stones(*told))
    left = {"note": "ask [erased] ([erased]) or [erased]", "size": "5", "by": "b", "n": 5}
    assert [json.loads(text) for text in shop.events()["properties"]] == [left]


@pytest.mark.parametrize("form", ["native", "segment"])
def test_rejected_rows_are_withheld(shop: Shop, tmp_path: Path, form: str) -> None:
    """Rejected rows that name the erased from before keep line and reason alone; they are counted as all are."""
    path = tmp_path / f"some-{form}.jsonl"
    early, late = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"
    rows: dict[str, list[Any]] = {
        "native": [
            {"event": "fly", "user_id": "5", "timestamp": early},
            {"event": "fly", "user_id": "6", "properties": {"note": "of ada@example.com"}},
            {"event": "fly", "user_id": "6", "quantity": 5, "properties": {"note": "5"}},
            {"event": "fly", "user_id": "5", "timestamp": late},
        ],
        "segment": [
            {"type": "fly", "userId": "5"},
            {"type": "fly", "userId": "6", "context": {"traits": {"email": "Ada@example.com"}}},
            {"type": "fly", "userId": "6", "properties": {"note": "5"}},
            {"type": "fly", "userId": "65"},
        ],
    }
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[form]) + '{"user": "ada@example.com')
    stones = _stones(("user_id", "5"), ("order_email_sha256", hashed_email("ada@example.com")))
    report = shop.bring(path, form, tombstones=stones)
    assert report.rejected_file is not None
    told = [json.loads(line) for line in Path(report.rejected_file).read_text().splitlines()]
    assert [row["line"] for row in told] == [1, 2, 3, 4, 5]
    assert [row["row"] == WITHHELD for row in told] == [True, True, False, False, True]
    assert all(row["reason"] for row in told)
    assert sum(report.rejected.values()) == 5


def test_second_import_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    """Rows without ids that lost a name are known again when the file comes a second time."""
    row = {"user_id": "v", "anonymous_id": "b", "event_id": None}
    path = _file(tmp_path, row, row, {"user_id": "v", "event_id": None})
    stones = _stones(("anonymous_id", "b"))
    shop.bring(path, tombstones=stones)
    again = shop.bring(path, tombstones=stones)
    assert (again.events, again.duplicates, shop.events().height) == ({}, 3, 3)
