"""What one request, one visitor and one process may ask for: refused by route and key, with the remedy, nothing taken."""

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, accept, decided

from etappe.settings import FILE_NAME

ROUTES = {
    "POST /v1/events": (16_385_524, 524_288),
    "POST /v1/decide": (262_144, 65_536),
    "PUT /v1/items": (16_385_524, None),
    "PUT /v1/customers/nobody/consent": (16_384, None),
}


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    return problem


@pytest.mark.parametrize("route", ROUTES)
def test_body_is_bounded_by_route_and_key(here: httpx.Client, browser: httpx.Client, route: str) -> None:
    """One byte more than a key may send to a route is 413 with the bound; with a length announced or not."""
    method, path = route.split()
    for client, most in zip((here, browser), ROUTES[route], strict=True):
        body = b" " * ((most or 0) + 1)
        for content in (body, iter([body])):
            answer = client.request(method, path, content=content)
            if most is None:
                _problem(answer, 403)
            else:
                assert f"{most:,} bytes" in _problem(answer, 413)["detail"]


def test_large_body_is_refused_in_words(browser: httpx.Client) -> None:
    """A client that sends all of its 16 MB before it reads is answered 413 too, and not cut off."""
    body = b'{"placements": [{"name": "a", "filter": {"category": ["' + b"x" * 16_000_000 + b'"]}}]}'
    address = browser.base_url
    with closing(http.client.HTTPConnection(address.host, address.port or 80, timeout=60)) as connection:
        connection.request("POST", "/v1/decide", body, {"Authorization": browser.headers["authorization"]})
        answer = connection.getresponse()
        assert (answer.status, b"65,536 bytes" in answer.read()) == (413, True)


@pytest.mark.parametrize(
    ("body", "field", "bound"),
    [
        ({"placements": [{"name": f"p{n}"} for n in range(21)]}, "placements", "20"),
        ({"placements": [{"name": "a", "exclude": ["x"] * 1001}]}, "placements[0].exclude", "1000"),
        ({"placements": [{"name": "a"}], "context": {"cart": ["x"] * 1001}}, "context.cart", "1000"),
        ({"placements": [{"name": "a", "filter": {"id": ["x"] * 1001}}]}, "placements.a.filter", "1000"),
        (
            {"placements": [{"name": "a", "filter": {f"attributes.{n}": 1 for n in range(51)}}]},
            "placements.a.filter",
            "50",
        ),
        (
            {"placements": [{"name": "a", "filter": {"brand": [[[[["x"]]]]]}}]},
            "placements.a.filter.brand",
            "4",
        ),
    ],
)
def test_decision_that_asks_for_too_much(browser: httpx.Client, body: Any, field: str, bound: str) -> None:
    """A list or filter beyond its bound is 422, its field and the bound named."""
    problem = _problem(browser.post("/v1/decide", json=body), 422)
    assert problem["field"] == field
    assert bound in problem["detail"]


def test_a_browser_sends_a_hundred_events(browser: httpx.Client, name: Callable[[], str]) -> None:
    """100 events of one body are taken with a publishable key, 101 refused as a whole."""
    events = [{"event": "login", "anonymous_id": name()} for _ in range(101)]
    assert "at most 100" in _problem(browser.post("/v1/events", json={"events": events}), 422)["detail"]
    accept(browser, *events[:100])


def test_an_item_is_bounded(here: httpx.Client, name: Callable[[], str]) -> None:
    """An item larger, or nested deeper, than every replica should hold refuses the batch; its field is named."""
    item = name()
    deep = json.loads('{"a":' * 40 + "1" + "}" * 40)
    for attributes in ({"text": "x" * 70_000}, deep):
        body = {"items": [{"id": f"{item}-ok"}, {"id": item, "attributes": attributes}]}
        problem = _problem(here.put("/v1/items", json=body), 422)
        assert problem["field"] == "items[1].attributes"
    assert here.get(f"/v1/items/{item}-ok").status_code == 404


def test_segment_and_google_keep_their_bounds(browser: httpx.Client, template: Template) -> None:
    """Bodies that Segment's and Google's clients may send are taken with a publishable key too, one byte more is not."""
    auth = (template.publishable, "")
    for path, most in (("/v1/segment/batch", 512_000), (f"/mp/collect?api_secret={template.publishable}", 130_000)):
        body = b'{"batch": [], "events": [], "client_id": "c"}'.ljust(most)
        assert browser.post(path, content=body, auth=auth).status_code in (200, 204)
        _problem(browser.post(path, content=body + b" ", auth=auth), 413)
    messages = [{"type": "track", "event": "Signed In"}] * 2501
    assert _problem(browser.post("/v1/segment/batch", json={"batch": messages}, auth=auth), 422)["field"] == "batch"


def test_small_payloads_make_no_flood(browser: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """A payload that makes more events or bytes than it has itself is bounded by what it makes, and nothing is taken."""
    auth, who = (template.publishable, ""), {"anonymousId": name()}
    listing = who | {"type": "track", "event": "Order Refunded", "properties": {"products": [{"id": 1}] * 2000}}
    problem = _problem(browser.post("/v1/segment/batch", json={"batch": [listing] * 3}, auth=auth), 422)
    assert "5,000 events" in problem["detail"]
    shared = {"context": {"page": {"title": "x" * 30_000}}, "batch": [who | {"type": "page"}] * 137}
    assert _problem(browser.post("/v1/segment/batch", json=shared, auth=auth), 422)["field"] == "context"
    body = {"client_id": name(), "events": [{"name": "view_item", "params": {"items": [{"item_id": "A"}] * 5001}}]}
    _problem(browser.post(f"/mp/collect?api_secret={template.publishable}", json=body), 422)


@pytest.fixture(scope="module")
def narrow(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server with little room and patience."""
    data = copy_of()
    (data / FILE_NAME).write_text("[limits]\nbodies_mb = 32\nbrowser_events_per_second = 2\n")
    with Server(data) as server:
        yield server


def test_a_visitor_is_slowed(narrow: Server, template: Template, name: Callable[[], str]) -> None:
    """Events beyond a visitor's rate are 429 with Retry-After and not taken; other visitors and servers are free."""
    visitor, other = name(), name()

    def events(who: str, count: int) -> dict[str, Any]:
        return {"events": [{"event": "login", "anonymous_id": who, "event_id": f"{who}-{n}"} for n in range(count)]}

    with narrow.client(template.publishable) as browser, narrow.client(template.secret) as server:
        assert browser.post("/v1/events", json=events(visitor, 20)).status_code == 202
        refused = browser.post("/v1/events", json=events(visitor, 20))
        assert _problem(refused, 429)["field"] == "events"
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        batch = {"batch": [{"type": "track", "event": "Signed In", "anonymousId": visitor}] * 30}
        segment = browser.post("/v1/segment/batch", json=batch, auth=(template.publishable, ""))
        assert (segment.status_code, "retry-after" in segment.headers) == (429, True)
        assert browser.post("/v1/events", json=events(other, 20)).json()["accepted"] == 20
        assert server.post("/v1/events", json=events(visitor, 40)).json()["accepted"] == 40
        assert decided(browser, customer={"anonymous_id": visitor})["placements"]


def test_large_bodies_at_once_are_bounded(narrow: Server, template: Template) -> None:
    """Of many large bodies at once those without room are 503 with Retry-After; what is small goes on, and all goes after."""
    body = b'{"events": []}'.ljust(16_000_000)
    with narrow.client(template.secret) as client, ThreadPoolExecutor(12) as threads:
        answers = [*threads.map(lambda _: client.post("/v1/events", content=body), range(12))]
        assert {answer.status_code for answer in answers} <= {202, 503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
        assert any(answer.status_code == 202 for answer in answers)
        for _ in range(3):
            assert client.post("/v1/events", content=body).status_code == 202


def test_a_small_body_is_no_hours_work(browser: httpx.Client) -> None:
    """Filters at all their bounds, in all placements, are answered like any other question."""
    values = [f"x{n}" for n in range(100)]
    wanted = {"id": values, "category": values, "brand": values, "attributes.colour": values}
    body = {"placements": [{"name": f"p{n}", "filter": wanted} for n in range(20)]}
    assert len(json.dumps(body)) < 65_536
    answer = browser.post("/v1/decide", json=body)
    assert answer.status_code == 200, answer.text
    assert all(filled["items"] == [] for filled in answer.json()["placements"].values())
