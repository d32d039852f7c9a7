"""An erased customer is nowhere any more: not in any byte of the data folder, of Redis, or of what is learned."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import redis
from tests.acceptance import needles
from tests.acceptance.shop import Server, Waiting, accept, inside, logged, new_key, put, redis_of, stop_store

from etappe.events.identities import hashed_email, hashed_phone
from etappe.ids import subject_of
from etappe.store import keys
from etappe.store.identities import exports

USER, VISITOR, OLD = "vera-USER-7f3a9c", "vera-VISIT-51e2d7", "vera-OLD-3c3c90"
EMAIL, PHONE, CARD = "Vera.Ösel+88@Example.org", "+43 660 765-43-21", "VERACARD-0099-77"
DEVICE, CRM = "vera-device-4411aa", "vera-crm-000817"
ORDER: Final = "order-1"
TABLET: Final = "tablet-66aa0b"
"""Used by somebody else as well, and so nobody's."""


def _people() -> dict[str, bytes]:
    """Whatever may lead to the one who is erased."""
    found: dict[str, bytes] = {}
    for text in (USER, VISITOR, OLD, EMAIL, PHONE, "+436607654321", CARD, DEVICE, CRM):
        found |= needles.of_text(text)
    return found


def _subjects(secret: bytes) -> dict[str, bytes]:
    named = {"user_id": USER, "anonymous_id": VISITOR, "loyalty_card": CARD, "device": DEVICE, "external:crm": CRM}
    named |= {"email_sha256": hashed_email(EMAIL), "order_email_sha256": hashed_email(EMAIL)}
    named |= {"phone_sha256": hashed_phone(PHONE)}
    subjects = {kind: subject_of(secret, kind, value) for kind, value in named.items()}
    subjects["old"] = subject_of(secret, "user_id", OLD)
    found: dict[str, bytes] = {}
    for kind, subject in subjects.items():
        found |= needles.of_bytes(f"subject of {kind}", subject)
    return found


def _events(items: list[str]) -> list[dict[str, Any]]:
    """Everything that one may do, under every name."""
    sold: dict[str, Any] = {"item_id": items[0], "price": 3.5, "quantity": 2, "order_id": ORDER}
    told = {"name": "Vera", "email": EMAIL, "phone": PHONE, "loyalty_card": CARD, "device_id": DEVICE}
    yes, no = {"personalisation": True, "email": True}, {"personalisation": False}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("view_item", {"anonymous_id": VISITOR, "item_id": items[1], "properties": {"user_agent": "Firefox"}}),
        ("view_item", {"anonymous_id": VISITOR, "item_id": items[1], "properties": {"staff": True}}),
        ("login", {"user_id": USER, "anonymous_id": VISITOR}),
        ("identify", {"user_id": USER, "properties": told | {"identities": {"external": {"crm": CRM}}}}),
        ("view_item", {"user_id": OLD, "item_id": items[2]}),
        ("alias", {"user_id": USER, "properties": {"previous_id": OLD}}),
        ("purchase", {"user_id": USER, **sold, "properties": {"email": EMAIL}}),
        ("refund", {"user_id": USER, **sold}),
        ("set_consent", {"user_id": USER, "properties": no}),
        ("view_item", {"user_id": USER, "anonymous_id": VISITOR, "item_id": items[3]}),
        ("set_consent", {"user_id": USER, "properties": yes}),
        ("search", {"user_id": USER, "properties": {"term": f"present for {USER}"}}),
        ("ignore", {"user_id": USER, "item_id": items[4]}),
        ("store_visit", {"properties": {"loyalty_card": CARD}}),
        ("email_open", {"properties": {"email": EMAIL}}),
        ("login", {"user_id": USER, "anonymous_id": TABLET}),
        ("login", {"user_id": "walter", "anonymous_id": TABLET}),
        ("view_item", {"user_id": "walter", "anonymous_id": TABLET, "item_id": items[2]}),
    ]
    return [{"event_id": f"v{number}", "event": event, **more} for number, (event, more) in enumerate(rows)]


def _segment(items: list[str]) -> dict[str, Any]:
    """What Segment's client sends of the same person."""
    traits = {"email": EMAIL, "phone": PHONE, "name": "Vera"}
    product = {"product_id": items[5], "price": 2.0}
    return {
        "batch": [
            {"type": "identify", "messageId": "s1", "userId": USER, "anonymousId": VISITOR, "traits": traits},
            {
                "type": "track",
                "messageId": "s2",
                "event": "Product Viewed",
                "userId": USER,
                "properties": product,
                "context": {"device": {"id": DEVICE}, "traits": {"email": EMAIL}},
            },
            {
                "type": "track",
                "messageId": "s3",
                "event": "Product Viewed",
                "userId": "walter",
                "properties": product,
                "context": {"traits": {"email": EMAIL, "phone": PHONE}},
            },
        ]
    }


def _decide(client: httpx.Client, number: int, **customer: str) -> None:
    body = {"request_id": f"r{number}", "customer": customer, "placements": [{"name": "p", "limit": 3}]}
    assert client.post("/v1/decide", json=body).status_code == 200


def _rows(path: Path, items: list[str]) -> None:
    """A file to import: two good rows, and bad ones that name them in every way."""
    good = {"event": "view_item", "item_id": items[0], "timestamp": "2026-01-05T10:00:00Z"}
    lines: list[Any] = [good | {"user_id": USER}, good | {"anonymous_id": VISITOR}, good | {"user_id": "walter"}]
    lines += [good | {"event": "fly", "user_id": USER}, good | {"event": "fly", "properties": {"email": EMAIL}}]
    lines += [good | {"event": "fly", "properties": {"a": [PHONE, f"to {CARD}"]}}]
    text = [*map(json.dumps, lines), json.dumps(good | {"user_id": "walter", "event": "fly"}), f'{{"user_id": "{USER}"']
    path.write_text("\n".join(text) + "\n")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A small shop with a trained snapshot."""
    data, files = tmp_path / "data", tmp_path / "files"
    size = ("--customers", "60", "--items", "40", "--days", "45", "--seed", "3")
    assert inside(data, "simulate", "--out", str(files), *size).code == 0
    assert inside(data, "import-items", str(files / "items.jsonl")).code == 0
    assert inside(data, "import", str(files / "events.parquet")).code == 0
    yield data
    stop_store(data)


def test_no_byte_is_left(data: Path, tmp_path: Path) -> None:
    """After `erase --now` none of a person's ids is in any file or key, in any encoding; before, they are everywhere."""
    items = [json.loads(line)["id"] for line in (tmp_path / "files" / "items.jsonl").read_text().splitlines()]
    _rows(tmp_path / "more.jsonl", items)
    assert inside(data, "import", str(tmp_path / "more.jsonl")).code == 0
    assert inside(data, "train", "--force").code == 0
    key = new_key(data, "secret")
    sought = _people() | _subjects(bytes.fromhex((data / "secret").read_text()))
    with Server(data) as server, server.client(key) as client:
        _live(client, items)
        waiting = Waiting()
        while waiting("v16" not in logged(data, "event")["event_id"].to_list()):
            pass
        held = needles.search(data, redis_of(data), sought)
        told = client.get(f"/v1/customers/{USER}/export").json()
        assert len(told["identities"]) == 9
        assert client.get("/v1/customers/walter").json()["events"] == 4
        server.stop()
    seen = {hit for hits in held.values() for hit in hits}
    assert {f"utf-8 {text}" for text in (USER, VISITOR, OLD, EMAIL, CARD, DEVICE, CRM)} <= seen
    assert {place.split("/")[0].split(" ")[0] for place in held} >= {"log", "rejected", "valkey", "key"}
    ran = inside(data, "erase", "--user", USER, "--now")
    assert ran.code == 0, ran.err
    with Server(data) as server, server.client(key) as client:
        assert needles.search(data, redis_of(data), sought) == {}
        assert client.get(f"/v1/customers/{USER}").status_code == 404
        assert client.get("/v1/customers/walter").json()["events"] == 4
    rejected = [path.read_text() for path in (data / "rejected").glob("*.jsonl")]
    assert sum(text.count("walter") for text in rejected) == 1


def test_user_5_is_nobodys_rating(tmp_path: Path) -> None:
    """`DELETE /v1/customers/5` and `erase --now` leave others' exports the same bytes, and the receipt says so."""
    data, items = tmp_path / "data", tmp_path / "items.jsonl"
    items.write_text('{"id": "5"}\n')
    assert inside(data, "import-items", str(items)).code == 0
    key = new_key(data, "secret")
    told: list[dict[str, Any]] = [
        {"event": "rate", "user_id": "6", "item_id": "5", "properties": {"rating": 5}},
        {"event": "set_traits", "user_id": "6", "properties": {"size": "5", "children": 5, "items": ["5", 5]}},
        {"event": "set_consent", "user_id": "6", "properties": {"email": True, "source": "5"}},
        {"event": "add_to_cart", "user_id": "6", "item_id": "5", "quantity": 5, "price": 5},
        {"event": "identify", "user_id": "6", "properties": {"loyalty_card": "5", "device_id": "5"}},
        {"event": "identify", "user_id": "5", "properties": {"loyalty_card": "6", "email": EMAIL}},
        {"event": "set_traits", "user_id": "7", "properties": {"note": f"friend of {EMAIL}", "size": 5}},
    ]
    message = {"userId": "6", "event": "Product Reviewed", "properties": {"product_id": "5", "rating": "5"}}
    with Server(data) as server, server.client(key) as client:
        accept(client, *({"event_id": f"f{number}"} | event for number, event in enumerate(told)))
        assert client.post("/v1/segment/track", json=message).status_code == 200
        before = client.get("/v1/customers/6/export").content
        number = client.delete("/v1/customers/5").json()["receipt"]
        ran = inside(data, "erase", "--now")
        assert (ran.code, "texts 1" in ran.out) == (0, True), ran.out
        assert client.get("/v1/customers/6/export").content == before
        assert client.get("/v1/customers/5/export").status_code == 404
        assert client.get("/v1/customers/7/export").json()["traits"] == {"note": "friend of [erased]", "size": 5}
        told_of = client.get(f"/v1/erasures/{number}").json()
        assert told_of["redacted"] == {"identities": 0, "payloads": 0, "texts": 1, "rejected": 0}
        assert told_of["rewritten"] is not None
    stop_store(data)


def _live(client: httpx.Client, items: list[str]) -> None:
    accept(client, *_events(items))
    put(client, {"id": items[6], "available": False})
    answer = client.post("/v1/segment/batch", json=_segment(items))
    assert (answer.status_code, answer.json()["rejected"]) == (200, []), answer.text
    for number, customer in enumerate(({"user_id": USER}, {"anonymous_id": VISITOR}, {"user_id": OLD})):
        _decide(client, number, **customer)


def _leave(client: redis.Redis, secret: bytes) -> None:
    """What is left lying: an entry that cannot be read, and an export that nobody took."""
    subject = subject_of(secret, "user_id", USER)
    broken: dict[Any, Any] = {"s": subject, "e": f'{{"user_id": "{USER}", "properties": {{"email": "{EMAIL}"}}'}
    client.xadd(keys.stream(subject[0]), broken | {"r": b"\xff" + EMAIL.encode() + CARD.encode()})
    exports.put(client, "left", json.dumps({"user_id": USER}).encode())
