"""`POST /mp/collect`: bodies of the Measurement Protocol as its documentation has them; keys are in no log."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, logged

from etappe.events.translation import ga4


@pytest.fixture
def collect(first: Server, template: Template) -> Iterator[Callable[..., httpx.Response]]:
    """Posts a body with the secret key as `api_secret`."""
    with first.client(None) as client:

        def posted(body: Any, key: str = template.secret, path: str = "/mp/collect") -> httpx.Response:
            query = {"measurement_id": "G-12345", "api_secret": key}
            given = {"content": body} if isinstance(body, bytes) else {"json": body}
            return client.post(path, params=query, **given)

        yield posted


def _body(user: str, *items: str) -> dict[str, Any]:
    """A purchase as a shop's server reports it."""
    lines = [{"item_id": item, "item_name": "x", "price": 9.99, "quantity": 2} for item in items]
    params = {
        "transaction_id": f"T-{user}",
        "currency": "EUR",
        "value": 19.98,
        "items": lines,
        "session_id": "1772366400",
    }
    return {
        "client_id": f"c.{user}",
        "user_id": user,
        "user_properties": {"tier": {"value": "gold"}},
        "consent": {"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"},
        "events": [{"name": "purchase", "params": params}, {"name": "page_view", "params": {}}],
    }


def test_purchase_counts_at_once(
    collect: Callable[..., httpx.Response], here: httpx.Client, template: Template, name: Callable[[], str]
) -> None:
    """A well-formed body is answered 204 with nothing, counts at once, and once only."""
    user = name()
    for _ in range(2):
        answer = collect(_body(user, *template.items[:2]))
        assert (answer.status_code, answer.content) == (204, b"")
    customer = here.get(f"/v1/customers/{user}").json()
    assert (customer["orders"], customer["revenue"]) == (1, 39.96)
    assert (customer["consent"], customer["traits"]["tier"]) == ("granted", "gold")


def test_payload_is_kept(
    collect: Callable[..., httpx.Response], shop: Path, template: Template, name: Callable[[], str]
) -> None:
    """The body lies in the log with the first of its events, and gives the same events again."""
    user = name()
    body = _body(user, template.items[0])
    collect(body)
    expected = len(ga4.translate(json.dumps(body).encode()).events)
    waiting, rows = Waiting(), pl.DataFrame()
    while waiting(rows.height < expected):
        rows = logged(shop, "event").filter(pl.col("user_id") == user)
    (raw,) = rows["raw"].drop_nulls().to_list()
    assert body.items() <= json.loads(raw).items()
    again = {(one.event_id, one.timestamp) for one in ga4.translate(raw.encode()).events}
    assert again == set(rows.select("event_id", "time").rows())


def test_consent_is_kept_to(
    collect: Callable[..., httpx.Response], here: httpx.Client, template: Template, name: Callable[[], str]
) -> None:
    """A body that denies personalisation is the withdrawal."""
    user = name()
    collect(_body(user, template.items[0]))
    collect(
        {"client_id": "c", "user_id": user, "consent": {"ad_personalization": "DENIED"}, "events": [{"name": "login"}]}
    )
    assert here.get(f"/v1/customers/{user}").json()["consent"] == "denied"


def test_debug_says_what_is_not_taken(
    collect: Callable[..., httpx.Response], here: httpx.Client, name: Callable[[], str]
) -> None:
    """The address for debugging tells each event that makes none, by place, and takes nothing."""
    user = name()
    body = {"client_id": "c", "user_id": user, "events": [{"name": "login"}, {"name": "add_to_cart"}, {"name": ""}]}
    answer = collect(body, path="/debug/mp/collect")
    found = [(one["fieldPath"], one["validationCode"]) for one in answer.json()["validationMessages"]]
    assert found == [("events[1].item_id", "VALUE_REQUIRED"), ("events[2].event", "VALUE_INVALID")]
    assert here.get(f"/v1/customers/{user}").status_code == 404


def test_bad_body_is_400(collect: Callable[..., httpx.Response]) -> None:
    """What is no body of the protocol is refused and not dropped in silence."""
    for body in (b"", b"7", {"events": 7}):
        answer = collect(body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_more_than_google_takes_is_refused(collect: Callable[..., httpx.Response]) -> None:
    """More events, or bytes, than the protocol allows are refused, and not dropped in silence."""
    for body, status in (({"client_id": "c", "events": [{"name": "login"}] * 26}, 422), (b" " * 140_000, 413)):
        answer = collect(body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_keys_are_in_no_log(
    collect: Callable[..., httpx.Response], first: Server, shop: Path, template: Template, name: Callable[[], str]
) -> None:
    """Neither answers nor the server's output, its folder nor Redis have a key that came by query or Basic."""
    wrong = "sk_" + "w" * 43
    for key, status in ((wrong, 401), (template.secret, 204)):
        assert collect(_body(name(), "a"), key).status_code == status
        assert key not in collect(b"no json", key).text
        with first.client(None) as client:
            batch = {
                "batch": [{"type": "track", "event": "Signed In", "userId": name(), "writeKey": key}],
                "writeKey": key,
            }
            client.post("/v1/segment/batch", json=batch, auth=(key, ""))
            client.post("/v1/segment/nowhere", json=batch, auth=(key, ""))
            client.get(f"/mp/collect?api_secret={key}")
    for key in (wrong, template.secret):
        assert key not in first.said
        assert [path for path in shop.rglob("*") if path.is_file() and key.encode() in path.read_bytes()] == []
