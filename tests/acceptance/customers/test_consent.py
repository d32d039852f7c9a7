"""Consent by purpose: in force with the very next request, on every serving process; what is kept without it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, Waiting, accept, decided, ids_of, logged, redis_of

from etappe.ids import subject_of
from etappe.store import keys
from etappe.store.records import envelope

TIMES = 6
"""Requests in a row, so that each process of the first server has its turn."""


@pytest.fixture
def known(here: httpx.Client, template: Template, name: Callable[[], str]) -> str:
    """A customer of one's own who is known well enough to get another answer than a stranger."""
    user = name()
    seen = template.items[:4]
    accept(here, *({"event": "view_item", "user_id": user, "item_id": item} for item in seen))
    accept(here, {"event": "ignore", "user_id": user, "item_id": ids_of(decided(here))[0]})
    accept(here, {"event": "set_traits", "user_id": user, "properties": {"country": "FI"}})
    assert _placements(decided(here, user)) != _placements(decided(here))
    return user


@pytest.fixture(scope="module")
def careful(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server of a shop where nobody is personalised who has not agreed to it."""
    data = copy_of()
    (data / "etappe.toml").write_text('[consent]\nunknown = "deny"\n')
    with Server(data) as server:
        yield server


def test_withdrawal_masks_at_once(here: httpx.Client, there: httpx.Client, known: str) -> None:
    """After a withdrawal every process answers as to a stranger, reasons and all; granting it brings back what was known."""
    before = _placements(decided(there, known))
    for _ in range(TIMES):
        _consent(there, known, personalisation=False)
        stranger = _placements(decided(here, explain=True))
        for client in (here, here, there):
            answer = decided(client, known, explain=True)
            assert stranger == _placements(answer)
            assert answer["customer"] == {"known": False, "stage": None, "segments": [], "persona": None}
        _consent(here, known, personalisation=True)
        assert [_ids(before)] * 3 == [_ids(_placements(decided(client, known))) for client in (here, here, there)]


def test_customer_who_denied_is_shown_as_that_alone(here: httpx.Client, known: str) -> None:
    """Of a customer who denies personalisation there is what they said of it, and nothing that they did."""
    _consent(here, known, personalisation=False, source="account", text_version="2026-02")
    shown = here.get(f"/v1/customers/{known}").json()
    told = shown["consents"].pop("personalisation")
    assert (told["granted"], told["source"], told["text_version"]) == (False, "account", "2026-02")
    assert shown.pop("consent_since") == told["time"]
    blank = {"traits": {}, "first_seen": None, "last_seen": None, "events": 0, "orders": 0, "revenue": 0.0}
    blank |= {"refunded": 0.0, "items": [], "stage": None, "segments": [], "persona": None, "consents": {}}
    assert {"id": known, "known": True, "consent": "denied"} | blank == shown
    _consent(here, known, personalisation=True)
    assert here.get(f"/v1/customers/{known}").json()["traits"] == {"country": "FI"}


def test_each_purpose_keeps_its_last_word(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """Each purpose keeps when, where and under which text it was said, by event or by PUT; an older word changes nothing."""
    user, purposes = name(), ("personalisation", "analytics", "email", "sms", "push", "phone", "ad", "enrichment")
    time = datetime(2026, 1, 1, 12, tzinfo=UTC)
    said = {"source": "checkout", "text_version": "v1"} | dict.fromkeys(purposes, True)
    accept(here, {"event": "set_consent", "user_id": user, "timestamp": time.isoformat(), "properties": said})
    _consent(there, user, email=False, source="preferences")
    late = {"event": "set_consent", "user_id": user, "timestamp": (time - timedelta(days=1)).isoformat()}
    accept(here, late | {"properties": {"email": True, "sms": False}})
    found = here.get(f"/v1/customers/{user}").json()["consents"]
    word = {"granted": True, "time": "2026-01-01T12:00:00Z", "source": "checkout", "text_version": "v1"}
    changed = found.pop("email")
    assert dict.fromkeys(set(purposes) - {"email"}, word) == found
    assert (changed["granted"], changed["source"], changed["text_version"]) == (False, "preferences", None)
    assert datetime.fromisoformat(changed["time"]) > time


def test_clock_ahead_does_not_outlast_a_withdrawal(here: httpx.Client, there: httpx.Client, known: str) -> None:
    """Consent with a time that is still to come counts as of its arrival, so that what is said next is the last word."""
    ahead = (datetime.now(UTC) + timedelta(hours=10)).isoformat()
    accept(here, _said(known, personalisation=True) | {"timestamp": ahead})
    accept(there, _said(known, personalisation=False))
    assert here.get(f"/v1/customers/{known}").json()["consent"] == "denied"
    assert _placements(decided(here)) == _placements(decided(here, known))


def test_denied_channel_is_impersonal_and_others_are_not(here: httpx.Client, known: str) -> None:
    """Who does not want e-mail gets a stranger's decision for that channel, and their own for any other."""
    own = {channel: _ids(_placements(decided(here, known, channel=channel))) for channel in ("web", "email", "push")}
    _consent(here, known, email=False)
    assert _placements(decided(here, channel="email")) == _placements(decided(here, known, channel="email"))
    for channel in ("web", "push"):
        assert own[channel] == _ids(_placements(decided(here, known, channel=channel)))
    _consent(here, known, email=True)
    assert own["email"] == _ids(_placements(decided(here, known, channel="email")))


def test_events_without_consent_are_baskets_alone(
    here: httpx.Client, shop: Path, template: Template, known: str
) -> None:
    """What is done without consent is logged without whom, in orders, is in no record, and a repeat is recognised."""
    _consent(here, known, personalisation=False)
    tail = _tail(shop, known)
    order, items = f"o-{known}", template.items[:2]
    lines = [
        {"event": "purchase", "event_id": f"{known}-{item}", "user_id": known, "anonymous_id": f"{known}-browser"}
        | {"item_id": item, "price": 2.0, "order_id": order, "properties": {"email": f"{known}@example.com", "x": 1}}
        for item in items
    ]
    accept(here, *lines)
    message = {"type": "track", "event": "Product Viewed", "userId": known, "messageId": f"{known}-view"}
    sent = here.post("/v1/segment/track", json=message | {"properties": {"product_id": items[0]}})
    assert sent.json()["accepted"] == 1
    again = here.post("/v1/events", json={"events": lines}).json()
    assert again == {"accepted": 0, "duplicate": 2, "rejected": []}
    rows = _rows(shop, [*(str(line["event_id"]) for line in lines), f"{known}-view"])
    assert rows.height == 3
    for column in ("subject", "user_id", "anonymous_id", "properties", "raw"):
        assert rows[column].null_count() == rows.height
    assert [order, order, None] == rows.sort("order_id", nulls_last=True)["order_id"].to_list()
    assert {2.0, None} == set(rows["price"])
    assert tail == _tail(shop, known)


def test_purchase_without_consent_is_not_known_later(here: httpx.Client, template: Template, known: str) -> None:
    """What was bought without consent holds nothing back once consent is there again: nobody knows of it."""
    item = next(one for one in ids_of(decided(here, known, limit=100)) if one not in template.items[:4])
    _consent(here, known, personalisation=False)
    accept(here, {"event": "purchase", "user_id": known, "item_id": item, "price": 1.0, "order_id": f"o-{known}"})
    _consent(here, known, personalisation=True)
    assert here.get(f"/v1/customers/{known}").json()["orders"] == 0
    placement = {"name": "p", "filter": {"id": item}}
    assert [item] == ids_of(decided(here, known, placements=[placement]))
    accept(here, {"event": "purchase", "user_id": known, "item_id": item, "price": 1.0, "order_id": f"p-{known}"})
    assert ids_of(decided(here, known, placements=[placement])) == []


def test_denial_of_a_browser_holds_after_login(here: httpx.Client, name: Callable[[], str], template: Template) -> None:
    """Who denied as an anonymous visitor has denied once they log in, on that browser and elsewhere."""
    visitor, user = f"{name()}-browser", name()
    accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[0]})
    accept(here, {"event": "set_consent", "anonymous_id": visitor, "properties": {"personalisation": False}})
    accept(here, {"event": "login", "user_id": user, "anonymous_id": visitor})
    for customer in ({"user_id": user}, {"anonymous_id": visitor}):
        answer = decided(here, customer=customer)
        assert answer["customer"]["known"] is False
        assert _placements(decided(here)) == _placements(answer)


def test_what_is_no_consent_is_refused(here: httpx.Client, browser: httpx.Client, known: str) -> None:
    """Consent is true or false for a purpose; a PUT without any, or with a publishable key, changes nothing."""
    for body in ({}, {"purposes": {}}, {"purposes": {"email": "no"}}, {"purposes": {"email": None}}, {"purpose": {}}):
        assert here.put(f"/v1/customers/{known}/consent", json=body).status_code == 400
    denial = {"purposes": {"personalisation": False}}
    assert browser.put(f"/v1/customers/{known}/consent", json=denial).status_code == 403
    assert here.get(f"/v1/customers/{known}").json()["consents"] == {}


def test_unknown_denies_where_that_is_set(careful: Server, template: Template, name: Callable[[], str]) -> None:
    """With `[consent] unknown = "deny"` a customer is nobody until they agree, and then what comes in counts."""
    user, item = name(), template.items[0]
    with careful.client(template.secret) as client:
        old = template.customers[0]
        assert _placements(decided(client)) == _placements(decided(client, old))
        shown = client.get(f"/v1/customers/{old}").json()
        assert (shown["consent"], shown["events"], shown["items"]) == ("unknown", 0, [])
        accept(client, {"event": "view_item", "user_id": user, "item_id": item, "event_id": f"{user}-before"})
        assert client.get(f"/v1/customers/{user}").status_code == 404
        _consent(client, user, personalisation=True)
        accept(client, {"event": "view_item", "user_id": user, "item_id": item, "event_id": f"{user}-after"})
        found = client.get(f"/v1/customers/{user}").json()
        assert (found["consent"], [one["id"] for one in found["items"]]) == ("granted", [item])
        assert found["items"][0]["views"] == 1
        _consent(client, old, personalisation=True)
        assert client.get(f"/v1/customers/{old}").json()["orders"] > 0
    rows = _rows(careful.data, [f"{user}-before", f"{user}-after"]).sort("time")
    assert [None, user] == rows["user_id"].to_list()


def _said(user: str, **purposes: object) -> Body:
    return {"event": "set_consent", "user_id": user, "properties": purposes}


def _consent(client: httpx.Client, user: str, **said: object) -> None:
    """Sets consent by PUT: purposes, and where and under which text they were said."""
    origin = {name: said.pop(name) for name in ("source", "text_version") if name in said}
    answer = client.put(f"/v1/customers/{user}/consent", json={"purposes": said} | origin)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text


def _placements(answer: Body) -> Body:
    found: Body = answer["placements"]
    return found


def _ids(placements: Body) -> list[str]:
    return [item["id"] for item in placements["p"]["items"]]


def _tail(data: Path, user: str) -> bytes:
    with redis_of(data) as client:
        secret: bytes = client.get(keys.SECRET)
        return envelope.opened(client.get(keys.record(subject_of(secret, "user_id", user)))).tail


def _rows(data: Path, event_ids: list[str]) -> pl.DataFrame:
    """The rows of these events, once all of them are in the log."""
    waiting = Waiting()
    while waiting(logged(data, "event")["event_id"].is_in(event_ids).sum() < len(event_ids)):
        pass
    rows = logged(data, "event")
    return rows.filter(rows["event_id"].is_in(event_ids))


def test_denied_granted_and_denied_again_within_a_minute(here: httpx.Client, name: Callable[[], str]) -> None:
    """Without ids and times three words in a row are three words, whichever way they come in: the last one counts."""

    def native(user: str, granted: bool) -> httpx.Response:
        return here.post("/v1/events", json={"events": [_said(user, personalisation=granted)]})

    def page(user: str, granted: bool) -> httpx.Response:
        said = {"consent": {"categoryPreferences": {"Functional": granted}}}
        return here.post("/v1/segment/page", json={"userId": user, "context": said})

    def collected(user: str, granted: bool) -> httpx.Response:
        said = {"ad_personalization": "GRANTED" if granted else "DENIED"}
        secret = here.headers["authorization"].removeprefix("Bearer ")
        body = {"client_id": f"{user}-b", "user_id": user, "consent": said, "events": [{"name": "login"}]}
        return here.post("/mp/collect", params={"api_secret": secret}, json=body)

    for send in (native, page, collected):
        user = name()
        for granted in (False, True, False):
            assert send(user, granted).status_code < 300
        assert here.get(f"/v1/customers/{user}").json()["consent"] == "denied", send.__name__


def test_withdrawal_by_a_slow_clock(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """A clock five minutes slow withdraws what was granted, and grants it again; what is of yesterday does neither."""
    user, slow = name(), timedelta(minutes=5)

    def said(granted: bool, ago: timedelta) -> str:
        word = _said(user, personalisation=granted) | {"timestamp": (datetime.now(UTC) - ago).isoformat()}
        accept(there, word)
        return str(here.get(f"/v1/customers/{user}").json()["consent"])

    steps = ((True, timedelta()), (False, slow), (True, slow), (False, timedelta(days=1)), (False, slow))
    assert [said(*step) for step in steps] == ["granted", "denied", "granted", "granted", "denied"]
    assert said(True, timedelta(days=1)) == "denied"
