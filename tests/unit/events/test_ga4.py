"""Bodies of GA4's Measurement Protocol as events: names, items, ids, times, identities, consent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from etappe.errors import InputError
from etappe.events.translation import ga4
from etappe.events.translation.drafts import OTHER
from etappe.events.translation.translated import Translated, accepted

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MICROS = 1_772_366_400_000_001
"""2026-03-01T12:00:00.000001Z"""
ITEMS = [{"item_id": "a", "price": 10, "quantity": 3, "item_name": "Mug"}, {"item_id": "b", "price": "2.5"}]
PURCHASE = {"name": "purchase", "params": {"transaction_id": "T", "currency": "usd", "value": 32.5, "items": ITEMS}}


def _translated(*events: Any, now: datetime = NOW, **body: Any) -> Translated:
    whole = {"client_id": "c", "events": events} | body
    return ga4.translate(ga4.stamped(json.dumps(whole).encode(), now))


def _events(*events: Any, **body: Any) -> list[dict[str, Any]]:
    done = _translated(*events, **body)
    assert done.refused == []
    return [json.loads(msgspec.json.encode(event)) for event in done.events]


def test_lines_of_an_order() -> None:
    """Each item is a line of the order; parameters are with the first, those of an item with it."""
    first, second = _events(PURCHASE, user_agent="Mozilla")
    shared = {"event": "purchase", "anonymous_id": "c", "order_id": "T", "currency": "USD", "channel": "web"}
    assert shared.items() <= first.items()
    assert shared.items() <= second.items()
    assert (first["item_id"], first["quantity"], first["price"]) == ("a", 3, 10)
    assert (second["item_id"], second["price"]) == ("b", 2.5)
    assert first["properties"] == {"item_name": "Mug", "value": 32.5, "user_agent": "Mozilla"}
    assert second["properties"] == {"user_agent": "Mozilla"}


@pytest.mark.parametrize(
    "name", ["view_item", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "review", "ignore"]
)
def test_events_of_each_item(name: str) -> None:
    """What happens to items happens to each of them, and an event about one may name it as a parameter."""
    assert [one["item_id"] for one in _events({"name": name, "params": {"items": ITEMS}})] == ["a", "b"]
    assert [one["item_id"] for one in _events({"name": name, "params": {"item_id": "z"}})] == ["z"]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("view_item_list", "view_item_list"),
        ("begin_checkout", "begin_checkout"),
        ("add_payment_info", "add_payment_info"),
        ("view_promotion", "view_promotion"),
        ("select_promotion", "select_promotion"),
        ("search", "search"),
        ("view_search_results", "search"),
    ],
)
def test_events_of_items_together(name: str, event: str) -> None:
    """What is about items together is one event with their ids."""
    (found,) = _events({"name": name, "params": {"items": ITEMS, "search_term": "mug"}})
    assert (found["event"], found["properties"]) == (event, {"items": ["a", "b"], "search_term": "mug"})


@pytest.mark.parametrize("name", ["login", "sign_up", "generate_lead", "share", "remove_from_wishlist", "email_open"])
def test_other_names_that_are_the_same(name: str) -> None:
    """Names equal to ours map one to one, with their parameters."""
    (found,) = _events({"name": name, "params": {"item_id": "a", "method": "x"}})
    assert (found["event"], found["item_id"], found["properties"]) == (name, "a", {"method": "x"})


@pytest.mark.parametrize(
    "name", ["return", "delivery", "session_start", "user_engagement", "scroll", "click", "set_consent"]
)
def test_housekeeping(name: str) -> None:
    """What has no event of its own is kept as `other`, with the name it came with."""
    first, second = _translated({"name": name}, {"name": "login"}).events
    assert (first.__struct_config__.tag, (first.properties or {})["event_name"]) == (OTHER, name)
    assert second.__struct_config__.tag == "login"


@pytest.mark.parametrize("name", ["page_view", "screen_view"])
@pytest.mark.parametrize(
    ("params", "touch"),
    [
        ({"page_referrer": "https://e.example"}, {"referrer": "https://e.example"}),
        (
            {"source": "news", "medium": "email", "campaign": "May"},
            {"source": "news", "medium": "email", "campaign": "May"},
        ),
        (
            {
                "page_location": "https://s.example/?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e&gclid=f"
            },
            {"source": "a", "medium": "b", "campaign": "c", "term": "d", "content": "e", "click_id": "f"},
        ),
        ({"page_location": "https://s.example/?utm_source=a", "source": "b"}, {"source": "b"}),
        ({"page_location": "https://s.example/?msclkid=m", "gclid": "g"}, {"click_id": "g"}),
        ({"term": 2024, "content": ["x"], "campaign": ""}, {"term": "2024"}),
        ({"page_location": "https://[" + "?gclid=x"}, {}),
        ({"page_location": 7, "page_referrer": None, "item_id": "i", "price": 2}, {}),
    ],
)
def test_touch_of_a_page_view(name: str, params: dict[str, Any], touch: dict[str, str]) -> None:
    """A page view says how the visit came about by our names; other parameters stay where they were."""
    (found,) = _events({"name": name, "params": params})
    ours = {"source", "medium", "campaign", "term", "content"}
    rest = {key: value for key, value in params.items() if key not in ours}
    assert (found["event"], found.get("item_id")) == ("page_view", None)
    assert found.get("properties", {}) == rest | touch


def test_touch_of_other_events() -> None:
    """Any event of a landing page carries its campaign and what it says itself; a referrer alone is no news."""
    page = {"page_location": "https://s.example/?gclid=g", "page_referrer": "r", "content": {"own": 1}}
    (found,) = _events({"name": "login", "params": page})
    assert found["properties"] == page | {"click_id": "g", "referrer": "r"}
    (alone,) = _events({"name": "login", "params": {"page_referrer": "r"}})
    assert alone["properties"] == {"page_referrer": "r"}


def test_touch_of_a_row() -> None:
    """A row of the export has its campaign beside its parameters, and its id is what it is without."""
    row = {"event_name": "page_view", "event_timestamp": str(MICROS), "user_pseudo_id": "c", "platform": "WEB"}
    traffic = {"manual_source": "news", "manual_campaign_name": "(not set)", "gclid": "g", "manual_medium": None}
    plain, found = (
        ga4.translate(json.dumps(row | more).encode()).events[0] for more in ({}, {"collected_traffic_source": traffic})
    )
    assert found.properties == {"source": "news", "click_id": "g"}
    assert plain.properties is None
    assert plain.event_id == found.event_id


def test_groups_of_user_properties() -> None:
    """A group is a trait by its id, and left out where that is none."""
    said = {"company": {"value": 7}, "household": {"value": True}, "tier": {"value": "gold"}}
    (traits, _) = _events({"name": "login"}, user_properties=said)
    assert traits["properties"] == {"company": "7", "tier": "gold"}


def test_click_on_a_decision() -> None:
    """A click that names a decision is ours; GA4's own is a click on any link."""
    (found,) = _events({"name": "click", "params": {"decision": "d"}})
    assert (found["event"], found["properties"]) == ("click", {"decision": "d"})


def test_same_body_same_ids() -> None:
    """A body sent again has the same ids: with a time always, without one in the same minute; others differ."""
    search, timed = {"name": "search"}, {"name": "login", "timestamp_micros": MICROS}
    for event, later, same in (
        (search, timedelta(seconds=20), True),
        (search, timedelta(minutes=2), False),
        (timed, timedelta(days=2), True),
    ):
        ids = [_translated(event, now=now).events[0].event_id for now in (NOW, NOW + later)]
        assert (ids[0] == ids[1]) is same


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ({"name": "add_to_cart", "params": {"items": ITEMS}}, {}),
        ({"name": "login"}, {}),
        ({"name": "search"}, {"consent": {"ad_personalization": "DENIED"}}),
        ({"name": "search"}, {"user_properties": {"plan": {"value": "gold"}}}),
    ],
)
def test_what_decides_is_no_repeat(event: dict[str, Any], body: dict[str, Any]) -> None:
    """What decides and names no time is told apart by its arrival, as the opposite may have been said in between."""
    first, again = (_translated(event, now=NOW + timedelta(seconds=second), **body).events for second in (0, 1))
    assert first[0].event_id != again[0].event_id


def test_two_that_say_the_same() -> None:
    """Events of one body that say the same are two, and so are those of two customers."""
    first, second = _translated({"name": "login"}, {"name": "login"}).events
    (third,) = _translated({"name": "login"}, client_id="d").events
    assert len({first.event_id, second.event_id, third.event_id}) == 3


def test_an_order_counts_once() -> None:
    """Lines of an order have the ids of order and item, so that a page of thanks loaded twice counts once, as in GA4."""
    first = _translated(PURCHASE, timestamp_micros=MICROS).events
    again = _translated(
        PURCHASE | {"params": PURCHASE["params"] | {"session_id": 7}}, now=NOW + timedelta(days=1)
    ).events  # type: ignore[operator]
    assert [one.event_id for one in first] == [one.event_id for one in again]
    twice = _translated({"name": "purchase", "params": {"transaction_id": "T", "items": [ITEMS[0], ITEMS[0]]}}).events
    assert len({one.event_id for one in twice}) == 2


def test_times() -> None:
    """An event's own time goes before the body's, that before the arrival; those of one time keep their order."""
    own, body, third = _translated(
        {"name": "login", "timestamp_micros": str(MICROS - 5)},
        {"name": "login"},
        {"name": "search"},
        timestamp_micros=MICROS,
    ).events
    at = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
    assert [own.timestamp, body.timestamp, third.timestamp] == [
        at - timedelta(microseconds=5), at + timedelta(microseconds=1), at + timedelta(microseconds=2),
    ]  # fmt: skip
    assert _translated({"name": "login"}).events[0].timestamp == NOW


@pytest.mark.parametrize("time", ["yesterday", 10**30, 1.5, [], True])
def test_time_that_is_none(time: Any) -> None:
    """An event whose time is none is refused alone."""
    done = _translated({"name": "login", "timestamp_micros": time}, {"name": "login"})
    assert ([one.field for one in done.refused], len(done.events)) == (["timestamp"], 1)


def test_who_it_is() -> None:
    """Ids of client and user, and hashed addresses, are one person; that is told once a day."""
    data = {"sha256_email_address": ["a" * 64, "b" * 64], "sha256_phone_number": "C" * 64, "address": []}
    identify, _ = _events({"name": "login"}, user_id="u", user_data=data)
    assert (identify["event"], identify["user_id"], identify["anonymous_id"]) == ("identify", "u", "c")
    assert identify["properties"]["identities"] == {"email_sha256": "a" * 64, "phone_sha256": "c" * 64}
    ids = {_translated(user_id="u", now=NOW + timedelta(hours=hours)).events[0].event_id for hours in (0, 5, 24)}
    assert len(ids) == 2
    (app,) = _events({"name": "login"}, client_id=None, app_instance_id="i")
    assert (app["anonymous_id"], app["channel"]) == ("i", "app")


def test_user_properties() -> None:
    """They are traits from the time at which they were set; what Google sets itself is left out."""
    properties = {
        "tier": {"value": "gold"},
        "size": {"value": 4, "timestamp_micros": MICROS},
        "ga_x": {"value": 1},
        "odd": 3,
    }
    tier, size = _events(user_properties=properties)
    assert (tier["event"], tier["properties"], size["properties"]) == ("set_traits", {"tier": "gold"}, {"size": 4})
    assert size["timestamp"] == "2026-03-01T12:00:00.000001Z"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}, {"enrichment": True, "personalisation": False, "ad": False}),
        ({"analytics_storage": "granted", "ad_storage": "denied"}, {"analytics": True, "ad": False}),
        ({"personalization_storage": "GRANTED", "ad_personalization": "DENIED"}, {"personalisation": False, "ad": False}),
        ({"ad_user_data": "UNSPECIFIED", "other": "GRANTED"}, None),
    ],
)  # fmt: skip
def test_consent(said: dict[str, str], expected: dict[str, bool] | None) -> None:
    """Google's keys are our purposes; of two words on one purpose a denial counts; it comes before the events."""
    found = _events({"name": "login"}, consent=said)
    consent = found[0]["properties"] if found[0]["event"] == "set_consent" else None
    assert consent == (expected and expected | {"source": "ga4"})


def test_no_personal_ads() -> None:
    """The older flag means that personalisation is denied."""
    (consent,) = _events(non_personalized_ads=True)
    assert consent["properties"] == {"personalisation": False, "ad": False, "source": "ga4"}


def test_payload_gives_the_same_again() -> None:
    """The kept body, sent again at any later time, says the same, and keeps its bytes."""
    body = json.dumps({"client_id": "c", "user_id": "u", "events": [PURCHASE, {"name": "login"}]}).encode()
    raw = ga4.stamped(body, NOW)
    assert ga4.stamped(raw, NOW + timedelta(days=9)) == raw
    assert ga4.translate(raw) == ga4.translate(ga4.stamped(raw, NOW + timedelta(days=9)))
    assert json.dumps(PURCHASE).encode() in raw


def test_checks_are_those_of_native_events() -> None:
    """Without any id nobody did it; what is no event is refused at its place."""
    done = _translated({"name": "login"}, 7, {"name": ""}, {"name": "view_item"}, client_id=None)
    good, bad = accepted(done, NOW)
    assert good == []
    assert sorted((one.index, one.field) for one in bad) == [(0, "user_id"), (1, "event"), (2, "event"), (3, "item_id")]


@pytest.mark.parametrize("body", [b"", b"7", b'{"events": {}}', b'{"events": 7}'])
def test_bodies_that_are_none(body: bytes) -> None:
    """A body that is none is refused as a whole."""
    with pytest.raises(InputError):
        ga4.translate(ga4.stamped(body, NOW))


def test_25_events() -> None:
    """25 events are a body, 26 are refused as a whole."""
    login = {"name": "login"}
    assert len(_translated(*[login] * 25).events) == 25
    with pytest.raises(InputError, match="26 events in one body; send at most 25"):
        _translated(*[login] * 26)
