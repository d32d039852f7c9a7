"""Segment's own client for Node posts to a real server; what arrives is what it sent."""

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from tests import odd
from tests.acceptance.conftest import Template
from tests.acceptance.shop import PATIENCE, Server, Waiting, ids_of, items_of, logged

from etappe.events.translation import segment

PACKAGE = "@segment/analytics-node@3.1.0"
SCRIPT = """
import { Analytics } from '@segment/analytics-node'
const [writeKey, host, calls] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, path: '/v1/segment/batch', maxRetries: 0 })
const failed = []
analytics.on('error', (error) => failed.push(String(error.reason ?? error.code)))
for (const [call, message] of JSON.parse(calls)) analytics[call](message)
await analytics.closeAndFlush({ timeout: 20000 })
console.log(JSON.stringify(failed))
"""
Call = tuple[str, dict[str, Any]]


def _missing(message: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Segment's client and a program that uses it."""
    folder = tmp_path_factory.mktemp("segment")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _missing("no npm on PATH: Segment's own client is not tested")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    (folder / "send.js").write_text(SCRIPT)
    command = [str(npm), "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", PACKAGE]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        _missing("npm did not come to an end: Segment's own client is not tested")
    else:
        if done.returncode:
            _missing(f"npm cannot install {PACKAGE}: {done.stderr[-500:]}")
    return folder


@pytest.fixture
def send(package: Path, first: Server) -> Callable[..., list[str]]:
    """Makes calls with the client; what it says of those it could not deliver."""

    def sent(key: str, *calls: Call) -> list[str]:
        command = ["node", "send.js", key, first.url, json.dumps(calls)]
        done = subprocess.run(command, cwd=package, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        failed: list[str] = json.loads(done.stdout)
        return failed

    return sent


@pytest.fixture
def keyless(first: Server) -> Iterator[httpx.Client]:
    """A client without a key of its own."""
    with first.client(None) as client:
        yield client


def _events(data: Path, mark: str, expected: int) -> pl.DataFrame:
    """The events in the log whose ids begin with `mark`, and the orders of its user, once there are as many."""
    waiting, found = Waiting(), pl.DataFrame()
    while waiting(found.height < expected):
        own = (pl.col("event") == "purchase") & (pl.col("user_id") == mark.removesuffix("-"))
        found = logged(data, "event").filter(own | pl.col("event_id").str.starts_with(mark)).sort("event_id")
    return found


def _order(user: str, *products: str) -> Call:
    lines = [{"product_id": product, "price": 9.99, "quantity": 2} for product in products]
    said = {"order_id": f"order-{user}", "currency": "EUR", "products": lines}
    return ("track", {"userId": user, "messageId": f"{user}-order", "event": "Order Completed", "properties": said})


def test_calls_of_the_real_client_arrive(
    send: Callable[..., list[str]], here: httpx.Client, shop: Path, template: Template, name: Callable[[], str]
) -> None:
    """Each kind of call is taken, in the log with its payload, and in the customer's record at once."""
    user, visitor = name(), name()
    calls: list[Call] = [
        (
            "identify",
            {"userId": user, "anonymousId": visitor, "messageId": f"{user}-identify", "traits": {"plan": "gold"}},
        ),
        _order(user, *template.items[:2]),
        ("page", {"userId": user, "messageId": f"{user}-page", "properties": {"product_id": template.items[2]}}),
        ("screen", {"userId": user, "messageId": f"{user}-screen", "properties": {"product_id": template.items[3]}}),
        ("group", {"userId": user, "messageId": f"{user}-group", "groupId": "g", "traits": {"name": "Initech"}}),
        ("alias", {"userId": user, "messageId": f"{user}-zalias", "previousId": name()}),
    ]
    assert send(template.secret, *calls) == []
    customer = here.get(f"/v1/customers/{user}").json()
    assert (customer["orders"], customer["revenue"], customer["traits"]["plan"]) == (1, 39.96, "gold")
    rows = _events(shop, f"{user}-", 7)
    assert sorted(rows["event"]) == [
        "alias", "identify", "purchase", "purchase", "set_traits", "view_item", "view_item",
    ]  # fmt: skip
    assert set(rows["user_id"]) == {user}


def test_payloads_give_the_same_events_again(
    send: Callable[..., list[str]], keyless: httpx.Client, shop: Path, template: Template, name: Callable[[], str]
) -> None:
    """The payloads in the log, posted again, are duplicates one and all; they have no key, and all that was sent."""
    user = name()
    view = {"product_id": template.items[0], "note": "1.10 €"}
    viewed: Call = (
        "track",
        {"userId": user, "messageId": f"{user}-view", "event": "Product Viewed", "properties": view},
    )
    assert send(template.secret, _order(user, *template.items[:3]), viewed) == []
    rows = _events(shop, f"{user}-", 4)
    raws = rows["raw"].drop_nulls().to_list()
    assert len(raws) == 2
    assert [json.loads(raw)["properties"] for raw in raws if "view" in json.loads(raw)["messageId"]] == [view]
    again = [event for raw in raws for event in segment.translate(raw.encode()).events]
    assert sorted((str(one.event_id), one.timestamp) for one in again) == sorted(rows.select("event_id", "time").rows())
    body = '{"batch": [' + ",".join(raws) + "]}"
    answer = keyless.post("/v1/segment/batch", content=body, auth=(template.secret, ""))
    assert answer.json() == {"success": True, "accepted": 0, "duplicate": 4, "rejected": []}
    assert template.secret not in body


def test_wrong_key_is_told_to_the_client(send: Callable[..., list[str]], name: Callable[[], str]) -> None:
    """The client learns that its key is none, and does not take its calls for delivered."""
    assert "401" in " ".join(send("sk_nonsense", _order(name(), "a")))


def test_browser_may_send(keyless: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """A publishable key may send; what only a server may say is refused with the message's place."""
    visitor = name()
    consent = {"consent": {"categoryPreferences": {"Functional": True}}}
    view = {"type": "track", "event": "Product Viewed", "properties": {"product_id": template.items[0]}}
    batch = {"batch": [view | {"anonymousId": visitor}, view | {"userId": visitor, "context": consent}]}
    answer = keyless.post("/v1/segment/batch", json=batch, auth=(template.publishable, "")).json()
    assert (answer["accepted"], [(one["index"], one["field"]) for one in answer["rejected"]]) == (2, [(1, "user_id")])


def test_each_message_is_judged_alone(keyless: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """What is no message, or is nobody's, is told by its place, and the rest is taken."""
    good = {"type": "track", "event": "Signed In", "userId": name()}
    batch = {"batch": [7, good, {"type": "track", "event": "Signed In"}, {"type": "teleport"}, {"type": "page"}]}
    answer = keyless.post("/v1/segment/batch", json=batch, auth=(template.secret, "")).json()
    assert (answer["success"], answer["accepted"]) == (True, 1)
    assert [one["index"] for one in answer["rejected"]] == [0, 2, 3, 4]


def test_an_odd_message_spoils_no_batch(keyless: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """Whatever stands in a message's fields, the batch is answered, and the good messages around it are taken."""
    user, whole = name(), list(odd.every(odd.SEGMENT[:1]))
    for start in range(0, len(whole), 100):
        good = [
            {"type": "track", "event": "Signed In", "userId": user, "messageId": f"{user}-{start}-{n}"} for n in (0, 1)
        ]
        batch = {"batch": [good[0], *whole[start : start + 100], good[1]]}
        answer = keyless.post("/v1/segment/batch", json=batch, auth=(template.secret, ""))
        assert answer.status_code == 200, answer.text
        assert {0, len(batch["batch"]) - 1} & {one["index"] for one in answer.json()["rejected"]} == set()
        again = keyless.post("/v1/segment/batch", json={"batch": good}, auth=(template.secret, ""))
        assert again.json()["duplicate"] == 2


def test_single_calls_and_packed_bodies(keyless: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """Each call has an address of its own, and takes gzip, whatever the content type says."""
    user = name()
    for call in ("track", "identify", "alias", "page", "screen", "group"):
        body = {"userId": user, "event": "Signed In", "previousId": "x" + user, "properties": {"sku": "a"}}
        packed = gzip.compress(json.dumps(body | {"messageId": f"{user}-{call}"}).encode())
        headers = {"content-encoding": "gzip", "content-type": "text/plain"}
        answer = keyless.post(f"/v1/segment/{call}", content=packed, headers=headers, auth=(template.secret, ""))
        assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 1, [])


@pytest.mark.parametrize(
    ("content", "headers"),
    [(b"{", {}), (b"[]", {}), (b"{}", {}), (b"x", {"content-encoding": "gzip"})],
)
def test_bad_body_is_400(keyless: httpx.Client, template: Template, content: bytes, headers: dict[str, str]) -> None:
    """A body that is no batch or cannot be unpacked is refused as a whole."""
    answer = keyless.post("/v1/segment/batch", content=content, headers=headers, auth=(template.secret, ""))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_view_changes_the_next_decision(
    send: Callable[..., list[str]], here: httpx.Client, template: Template, name: Callable[[], str]
) -> None:
    """What the client delivered counts in the very next decision: what was bought is not shown."""
    user = name()
    body = {"placements": [{"name": "p", "limit": 10}], "customer": {"user_id": user}}
    bought = ids_of(here.post("/v1/decide", json=body).json())[0]
    assert send(template.secret, _order(user, bought)) == []
    shown = items_of(here.post("/v1/decide", json=body).json())
    assert bought not in [item["id"] for item in shown]
