"""`POST /v1/events`: told event by event, durable when answered, counted once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, accept


def _send(client: httpx.Client, *events: Any) -> Body:
    answer = client.post("/v1/events", json={"events": list(events)})
    assert answer.status_code == 202, answer.text
    found: Body = answer.json()
    return found


def test_answer_says_what_became_of_each(here: httpx.Client, name: Callable[[], str]) -> None:
    """202 with the numbers accepted and duplicate, and each rejected event by index, reason and field."""
    user = name()
    good = {"event": "view_item", "event_id": f"{user}-1", "user_id": user, "item_id": "a"}
    answer = _send(here, good, {"event": "vew_item", "user_id": user}, {"event": "view_item", "user_id": user}, good)
    assert {key: answer[key] for key in ("accepted", "duplicate")} == {"accepted": 1, "duplicate": 1}
    assert [(one["index"], one["field"]) for one in answer["rejected"]] == [(1, "event"), (2, "item_id")]
    assert "vocabulary" in answer["rejected"][0]["reason"]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"event": "view_item", "item_id": "a"}, "user_id"),
        ({"event": "view_item", "user_id": "", "item_id": "a"}, "user_id"),
        ({"event": "view_item", "user_id": "u", "item_id": True}, "item_id"),
        ({"event": "view_item", "user_id": "undefined", "item_id": "a"}, "user_id"),
        ({"event": "view_item", "user_id": "a\u0000b", "item_id": "a"}, "user_id"),
        ({"event": "purchase", "user_id": "u", "item_id": "a", "price": -1}, "price"),
        ({"event": "purchase", "user_id": "u", "item_id": "a", "price": "1,299"}, "price"),
        ({"event": "purchase", "user_id": "u", "item_id": "a", "quantity": 0}, "quantity"),
        ({"event": "purchase", "user_id": "u", "item_id": "a", "quantity": 1.5}, "quantity"),
        ({"event": "purchase", "user_id": "u", "item_id": "a", "currency": "US Dollar"}, "currency"),
        ({"event": "view_item", "user_id": "u", "item_id": "a", "timestamp": "yesterday"}, "timestamp"),
        ({"event": "view_item", "user_id": "u", "item_id": "a", "channel": "telex"}, "channel"),
        ({"event": "view_item", "user_id": "u", "item_id": "x" * 257}, "item_id"),
        ({"event": "rate", "user_id": "u", "item_id": "a", "properties": {"rating": 6}}, "properties.rating"),
        ({"event": "set_consent", "user_id": "u", "properties": {"personalisation": 1}}, "properties.personalisation"),
        ({"event": "set_traits", "user_id": "u"}, "properties"),
        ({"event": "view_item", "user_id": "u", "item_id": "a", "properties": []}, "properties"),
        ({"event": "view_item", "user_id": "u", "item_id": "a", "colour": "red"}, "colour"),
        ("view_item", None),
        (None, None),
        ([], None),
    ],
)
def test_bad_event_is_rejected_alone(
    here: httpx.Client, name: Callable[[], str], event: Any, field: str | None
) -> None:
    """A bad event is told with its index, reason and field, and spoils nothing beside it."""
    good = {"event": "login", "user_id": name()}
    answer = _send(here, good, event)
    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["rejected"]] == [1]
    assert field == answer["rejected"][0].get("field")


def test_far_future_is_rejected_and_clock_skew_is_not(here: httpx.Client, name: Callable[[], str]) -> None:
    """Clients' clocks may be some hours ahead, not days."""
    now = datetime.now(UTC)
    ahead = [
        {"event": "login", "user_id": name(), "timestamp": (now + timedelta(hours=h)).isoformat()} for h in (1, 49)
    ]
    answer = _send(here, *ahead)
    assert answer["accepted"] == 1
    assert [(one["index"], one["field"]) for one in answer["rejected"]] == [(1, "timestamp")]


def test_at_most_500_events(here: httpx.Client, name: Callable[[], str]) -> None:
    """500 events of 500 customers are taken in one batch, 501 refused as a whole with the field named."""
    events = [{"event": "login", "user_id": f"{name()}"} for _ in range(501)]
    answer = here.post("/v1/events", json={"events": events})
    assert answer.status_code == 422
    assert answer.json()["field"] == "events"
    assert "500" in answer.json()["detail"]
    assert here.get(f"/v1/customers/{events[0]['user_id']}").status_code == 404
    accept(here, *events[:500])


def test_event_over_32_kilobytes(here: httpx.Client, name: Callable[[], str]) -> None:
    """An event of more than 32 KB is rejected by index; one just below is taken."""
    user = name()
    events = [
        {"event": "login", "user_id": user, "properties": {"text": "x" * size}} for size in (31 * 1024, 33 * 1024)
    ]
    answer = _send(here, *events)
    assert answer["accepted"] == 1
    assert [one["index"] for one in answer["rejected"]] == [1]


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b"null", b"{}", b'{"events": {}}', b'{"events": null}', b'{"events": []', b"\xff\xfe",
     b'{"events": [], "more": 1}'],
)  # fmt: skip
def test_body_that_is_no_batch(here: httpx.Client, body: bytes) -> None:
    """A body that is no batch is 400 with problem details that show what a batch is."""
    answer = here.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert '{"events": [...]}' in answer.json()["detail"]


def test_deeply_nested_body_is_refused(here: httpx.Client) -> None:
    """A body nested a hundred thousand deep is refused like any other, and the server lives on."""
    deep = b'{"events": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}"
    assert here.post("/v1/events", content=deep).status_code in (202, 400)
    hidden = {"event": "login", "user_id": "u", "properties": json.loads('{"a":' * 500 + "1" + "}" * 500)}
    assert here.post("/v1/events", json={"events": [hidden]}).status_code == 202
    assert here.get("/healthz").status_code == 200


def test_body_over_the_limit_is_413(here: httpx.Client) -> None:
    """17 MB are refused with problem details that say what to do."""
    answer = here.post("/v1/events", content=b" " * 17_000_000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "smaller" in answer.json()["detail"]


def test_retry_counts_nothing_twice(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """The same batch again, to the same or another server, is all duplicates and changes no number."""
    user = name()
    batch = [
        {
            "event": "purchase", "event_id": f"{user}-{n}", "user_id": user, "item_id": f"i{n}", "price": 2.5,
            "quantity": 2, "order_id": f"order-{user}",
        }
        for n in range(10)
    ]  # fmt: skip
    accept(here, *batch)
    for client in (there, here, there):
        assert _send(client, *batch) == {"accepted": 0, "duplicate": 10, "rejected": []}
    seen = here.get(f"/v1/customers/{user}").json()
    assert (seen["events"], seen["orders"], seen["revenue"]) == (10, 1, 50.0)


def test_retry_without_event_ids_is_recognised_by_content(
    here: httpx.Client, there: httpx.Client, name: Callable[[], str]
) -> None:
    """Events with a time and no id of their own are recognised when the same bytes come again."""
    event = {"event": "login", "user_id": name(), "timestamp": "2026-01-02T03:04:05Z"}
    accept(here, event)
    assert _send(there, event) == {"accepted": 0, "duplicate": 1, "rejected": []}


def test_same_id_of_two_customers_is_two_events(here: httpx.Client, name: Callable[[], str]) -> None:
    """Event ids are a customer's own."""
    accept(here, *({"event": "login", "event_id": "one", "user_id": name()} for _ in range(2)))


def test_sale_to_nobody_known_is_taken(here: httpx.Client, name: Callable[[], str]) -> None:
    """A till receipt has an order and no customer."""
    accept(here, {"event": "purchase", "order_id": name(), "item_id": "COF-0001", "price": 1.0})


def test_text_that_is_no_ascii_survives(here: httpx.Client, name: Callable[[], str]) -> None:
    """Names in any script come back as they were sent."""
    user, traits = f"Zoë-☕-{name()}", {"stadt": "Köln", "名": "値"}
    accept(here, {"event": "set_traits", "user_id": user, "properties": traits})
    assert traits == here.get(f"/v1/customers/{user}").json()["traits"]


def test_customer_whose_id_has_a_slash_can_be_read(here: httpx.Client, name: Callable[[], str]) -> None:
    """A user_id may hold any character: it is escaped in the address."""
    user = f"a/b?c#d%20{name()}"
    accept(here, {"event": "login", "user_id": user})
    quoted = "".join(f"%{byte:02X}" for byte in user.encode())
    assert user == here.get(f"/v1/customers/{quoted}").json()["id"]


def test_cart_is_as_it_was_left(here: httpx.Client, name: Callable[[], str], template: Template) -> None:
    """Put in, taken out and put in again within a minute, without ids, is in the cart; so with the wish list."""
    user, item = name(), template.items[0]
    for put, taken in (("add_to_cart", "remove_from_cart"), ("add_to_wishlist", "remove_from_wishlist")):
        for event in (put, taken, put):
            accept(here, {"event": event, "user_id": user, "item_id": item})
    (found,) = here.get(f"/v1/customers/{user}").json()["items"]
    assert (found["in_cart"], found["wished"]) == (True, True)
