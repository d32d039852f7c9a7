"""Segment's messages as events: names, ids, times, identities, consent, and the way back from the payload."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from etappe.errors import InputError
from etappe.events import identities
from etappe.events.translation import segment, segment_names
from etappe.events.translation.drafts import OTHER
from etappe.events.translation.segment_messages import MAX_MESSAGES, messages
from etappe.events.translation.translated import Translated, accepted
from etappe.events.vocabulary import TYPES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENT = {"sentAt": "2026-03-01T09:00:10Z", "timestamp": "2026-03-01T09:00:00Z"}
PRODUCT = {"product_id": "p1", "sku": "s1", "price": 9.99, "quantity": 2, "currency": "eur"}


def _batch(*batch: Any, **around: Any) -> list[Translated]:
    body = json.dumps({"batch": batch, "writeKey": "sk_key"} | around).encode()
    return [segment.translate(raw) for raw in messages(body, "batch", NOW)]


def _one(message: dict[str, Any], **around: Any) -> list[dict[str, Any]]:
    whole = {"type": "track", "userId": "u", "messageId": "m", "timestamp": "2026-03-01T11:00:00Z"} | message
    (done,) = _batch({name: value for name, value in whole.items() if value is not None}, **around)
    assert done.refused == []
    return [json.loads(msgspec.json.encode(event)) for event in done.events]


def _track(name: str, **properties: Any) -> list[dict[str, Any]]:
    return _one({"event": name, "properties": properties})


@pytest.mark.parametrize(("name", "event"), [*segment_names.ITEM.items(), *segment_names.LIST.items()])
def test_every_mapped_call_becomes_its_event(name: str, event: str) -> None:
    """Each name of the mapping, in whatever case, gives a valid event of that name."""
    for written in (name, name.upper()):
        found = _track(written, order_id="o", **PRODUCT)
        assert found[0]["event"] == event


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"identify", "alias", "set_traits", "set_consent", OTHER}))
def test_names_of_the_vocabulary_are_taken(name: str) -> None:
    """A track call may have the name of an event of ours; those about a decision only where they name one."""
    found = _track(name, product_id="p", order_id="o", rating=4, decision="d")
    assert found[0]["event"] == name


def test_product() -> None:
    """The product's id goes before its SKU, numbers may be text, and what is no number stays in the properties."""
    (found,) = _track("Product Added", product_id=7, sku="s1", price="9.99", quantity=2.0, currency="eur", coupon="X")
    assert {name: found[name] for name in ("item_id", "price", "quantity", "currency")} == {
        "item_id": "7", "price": 9.99, "quantity": 2, "currency": "EUR",
    }  # fmt: skip
    assert found["properties"] == {"sku": "s1", "coupon": "X"}
    (odd,) = _track("Product Viewed", sku="s1", price="on request", currency="?")
    assert (odd["item_id"], odd["properties"]) == ("s1", {"price": "on request", "currency": "?"})


def test_lines_of_an_order() -> None:
    """Each product is a line with the order's id and currency; the order's own properties are with the first."""
    products = [{"product_id": "a", "price": 1, "quantity": 2}, {"product_id": "b", "price": 3, "currency": "USD"}]
    first, second = _track("Order Completed", order_id="o", currency="EUR", coupon="X", products=products)
    assert (first["order_id"], first["currency"], first["properties"]) == ("o", "EUR", {"coupon": "X"})
    assert (second["order_id"], second["currency"], "properties" in second) == ("o", "USD", False)


def test_an_order_told_twice_is_one() -> None:
    """A page loaded again tells an order in a message of its own: its lines have the same ids, told apart by item."""
    products = [{"product_id": "a"}, {"product_id": "b"}, {"product_id": "a"}]
    message = {"event": "Order Completed", "properties": {"order_id": "o", "products": products}}
    first, again = ([line["event_id"] for line in _one(message | {"messageId": name})] for name in ("m", "n"))
    assert first == again
    assert len(set(first)) == 3


@pytest.mark.parametrize("said", [{}, {"order_id": None}, {"order_id": "(not set)"}, {"transaction_id": " null "}])
def test_lines_without_an_order_are_one_order(said: dict[str, Any]) -> None:
    """Lines of one message that names no order are one order, and those of another message another."""
    products = [{"product_id": "a"}, {"product_id": "b"}]
    message = {"event": "Order Completed", "properties": said | {"products": products}}
    first, other = ([line["order_id"] for line in _one(message | {"messageId": name})] for name in ("m", "n"))
    assert len(set(first)) == len(set(other)) == 1
    assert first != other


@pytest.mark.parametrize("name", ["order_id", "orderId", "order_number", "orderNumber", "transaction_id"])
def test_names_of_an_order(name: str) -> None:
    """Shops call an order's id differently, and it may be a number that became a float."""
    assert _track("Order Completed", **{name: 1001.0}, products=[{"product_id": "a"}])[0]["order_id"] == "1001"


LINE = {"product_id": "a", "price": 2.5}


@pytest.mark.parametrize(
    "said",
    [
        {"products": [LINE]}, {"products": json.dumps([LINE])}, {"products": {"0": LINE}}, {"products": LINE},
        {"items": [LINE]}, {"line_items": json.dumps({"x": LINE})}, {"products": [], "lines": [LINE]},
    ],
)  # fmt: skip
def test_lines_wherever_they_are(said: dict[str, Any]) -> None:
    """The lines of an order are a list, an object by key, one line, or JSON as text, under several names."""
    (found,) = _track("Order Completed", order_id="o", **said)
    assert (found["item_id"], found["price"]) == ("a", 2.5)


def test_prices_of_an_order_are_read_together() -> None:
    """What one price leaves open the others of its message tell; a currency may stand with the price."""
    told = [{"product_id": "a", "price": "1,299"}, {"product_id": "b", "price": "35.50 eur"}]
    first, second = _track("Order Completed", order_id="o", products=told)
    assert (first["price"], second["price"], second["currency"]) == (1299, 35.5, "EUR")
    (comma,) = _track("Order Completed", order_id="o", products=[{"product_id": "a", "price": "1,299"}], total="1,30")
    assert comma["price"] == 1.299


@pytest.mark.parametrize(
    ("said", "field", "reason"),
    [
        ({"price": "1,299"}, "price", "ambiguous"),
        ({"price": "NaN"}, "price", "no amount of money"),
        ({"price": ""}, "price", "no amount of money"),
        ({"price": "on request"}, "price", "no amount of money"),
        ({"price": "5 USD"}, "price", "in another currency"),
        ({"price": -5}, "price", "float"),
        ({"quantity": 0.75}, "quantity", "no whole number"),
        ({"quantity": -1}, "quantity", "no whole number"),
        ({"product_id": "(not set)"}, "item_id", "missing"),
        ({"product_id": "a\u0000b"}, "item_id", "control characters"),
        ({"currency": "US Dollar"}, "currency", "no currency"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused(said: dict[str, Any], field: str, reason: str) -> None:
    """A line is never sold without what it says of its price: it is refused, with what it would have come to."""
    line = {"product_id": "a", "price": 9.5, "quantity": 2, "currency": "EUR"} | said
    whole = {"type": "track", "event": "Order Completed", "userId": "u", "properties": {"products": [line]}}
    (done,) = _batch(whole)
    assert done.events == []
    assert [one.field for one in done.refused] == [field]
    assert reason in done.refused[0].reason
    price, pieces = said.get("price", 9.5), said.get("quantity", 2)
    money = (round(price * pieces * 1e6) if isinstance(price, int | float) else 0,)
    assert tuple(one.micro for one in done.lost) == money


@pytest.mark.parametrize("user", ["undefined", " NULL ", "[object Object]", "(not set)", ""])
def test_nobodys_ids(user: str) -> None:
    """What a program writes where it knows nobody is no id, of whatever kind."""
    context = {"traits": {"email": user}, "device": {"id": user}, "externalIds": [{"type": "crm", "id": user}]}
    (found,) = _one({"event": "Signed In", "userId": user, "anonymousId": " a1 ", "context": context})
    assert ("user_id" in found, found["anonymous_id"], "properties" in found) == (False, "a1", False)


def test_bad_line_of_an_order_is_refused_alone() -> None:
    """A line of nothing is told with its field, and spoils no other."""
    products = [{"product_id": "a", "quantity": 0}, {"product_id": "b"}]
    (done,) = _batch({"type": "track", "event": "Order Completed", "userId": "u", "properties": {"products": products}})
    assert [event.item_id for event in done.events] == ["b"]
    assert [(one.field, one.reason) for one in done.refused] == [
        ("quantity", "quantity: 0 is no whole number from 1 to 1,000,000")
    ]


@pytest.mark.parametrize(("said", "price"), [({"revenue": 30, "total": 35}, 10.0), ({"total": "30"}, 10.0), ({}, None)])
def test_price_of_a_single_line(said: dict[str, Any], price: float | None) -> None:
    """Where only the order's money is told, and it has one line, that money is the line's."""
    (found,) = _track("Order Completed", order_id="o", products=[{"product_id": "a", "quantity": 3}], **said)
    assert found.get("price") == price


def test_order_given_back() -> None:
    """A refund without products gives the whole order back, one with products those lines."""
    (whole,) = _track("Order Refunded", order_id="o", total=30)
    assert ("item_id" not in whole, whole["order_id"], whole["price"]) == (True, "o", 30)
    (line,) = _track("Order Refunded", order_id="o", products=[{"product_id": "a", "quantity": 1, "price": 4}])
    assert (line["item_id"], line["price"]) == ("a", 4)


def test_list_keeps_the_products_ids() -> None:
    """What is about products together is one event with their ids."""
    (found,) = _track("Product List Viewed", list_id="l", products=[{"product_id": "a"}, {"sku": "b"}, {}])
    assert found["properties"] == {"list_id": "l", "items": ["a", "b"]}


def test_search_and_review() -> None:
    """The words of a search have the name they have in the vocabulary; a review with stars is a rating too."""
    assert _track("Products Searched", query="mug")[0]["properties"] == {"search_term": "mug"}
    review, rate = _track("Product Reviewed", product_id="p", rating="5")
    assert (review["event_id"], rate["event"], rate["properties"]) == ("m#0", "rate", {"rating": 5})
    assert len(_track("Product Reviewed", product_id="p", rating=9)) == 1


def test_identify() -> None:
    """Traits are properties; addresses are hashed identities, wherever they stand; nothing reserved passes."""
    traits = {"email": "A@b.c", "phone": "", "plan": "x", "$consent:x": 1, "identities": {"x": 1}, "device": "phone"}
    (found,) = _one({"type": "identify", "traits": traits, "anonymousId": "a"})
    hashed = identities.hashed_email("a@b.c")
    assert found["properties"] == {"plan": "x", "device_name": "phone", "identities": {"email_sha256": hashed}}
    assert (found["event"], found["user_id"], found["anonymous_id"]) == ("identify", "u", "a")


def test_alias_and_group() -> None:
    """An alias names the id before; a group becomes traits."""
    assert _one({"type": "alias", "previousId": "old"})[0]["properties"] == {"previous_id": "old"}
    (group,) = _one({"type": "group", "groupId": "g", "traits": {"name": "Initech"}})
    assert (group["event"], group["properties"]) == ("set_traits", {"group_id": "g", "group": {"name": "Initech"}})


@pytest.mark.parametrize("call", ["page", "screen"])
def test_page_of_a_product_is_a_view(call: str) -> None:
    """A page or screen that names a product is a view of it."""
    (found,) = _one({"type": call, "name": "Mug", "properties": {"sku": "s", "url": "/mug"}})
    assert (found["event"], found["item_id"], found["properties"]) == ("view_item", "s", {"url": "/mug"})


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"type": "track", "event": "Recipe Printed", "properties": {"a": 1}}, "Recipe Printed"),
        ({"type": "track", "event": "click"}, "click"),
        ({"type": "track", "event": "set_consent", "properties": {"personalisation": True}}, "set_consent"),
        ({"type": "track", "event": "return", "properties": {"key": "enter"}}, "return"),
        ({"type": "track", "event": "delivery"}, "delivery"),
    ],
)
def test_what_has_no_event_of_its_own(message: dict[str, Any], name: str) -> None:
    """Such a message is kept as `other`, with the name it came with."""
    (done,) = _batch({"userId": "u"} | message)
    assert [(one.__struct_config__.tag, (one.properties or {})["event_name"]) for one in done.events] == [(OTHER, name)]


@pytest.mark.parametrize("call", ["page", "screen"])
def test_a_page_of_no_product_is_a_page_view(call: str) -> None:
    """Its name and category are properties, as is what it says itself, an id or a price of nothing among it."""
    said = {"url": "/home", "price": 3, "currency": "EUR"}
    (found,) = _one({"type": call, "name": "Home", "category": "Shop", "properties": said})
    assert (found["event"], found.get("price"), found.get("item_id")) == ("page_view", None, None)
    assert found["properties"] == {"name": "Home", "category": "Shop"} | said


CAMPAIGN = {"name": "May", "source": "news", "medium": "email", "term": "mugs", "content": "top"}
TOUCH = {"campaign": "May", "source": "news", "medium": "email", "term": "mugs", "content": "top"}
URL = "https://shop.example/?utm_source=ads&utm_campaign=June&gclid=Cj0&fbclid=no"


@pytest.mark.parametrize(
    ("context", "touch"),
    [
        ({"campaign": CAMPAIGN}, TOUCH),
        ({"page": {"url": URL}}, {"source": "ads", "campaign": "June", "click_id": "Cj0"}),
        ({"page": {"search": "?msclkid=m%201", "url": URL}}, {"click_id": "m 1"}),
        ({"page": {"url": "https://shop.example/?fbclid=f"}}, {"click_id": "f"}),
        ({"page": {"referrer": "https://e.example/a"}}, {"referrer": "https://e.example/a"}),
        ({"referrer": {"url": "https://e.example/b"}}, {"referrer": "https://e.example/b"}),
        ({"campaign": CAMPAIGN, "page": {"url": URL, "referrer": "r"}}, TOUCH | {"click_id": "Cj0", "referrer": "r"}),
        ({"campaign": {"name": 5, "source": {"x": 1}, "medium": ""}}, {"campaign": "5"}),
        ({"campaign": {"source": "x" * 513}, "page": {"referrer": "r" * 2049, "url": "http://[a?utm_source=x"}}, {}),
        ({"campaign": [], "page": "x", "referrer": "y"}, {}),
    ],
)
def test_touch_of_a_page_view(context: dict[str, Any], touch: dict[str, str]) -> None:
    """The campaign, the address of the page and the page before say how the visit came about, the first the surest."""
    (found,) = _one({"type": "page", "context": context})
    assert found.get("properties", {}) == touch


def test_touch_of_other_events() -> None:
    """Any event of the visit carries its campaign, and what it says itself stays; a referrer alone is no news."""
    context = {"campaign": {"source": "news"}, "page": {"referrer": "r"}}
    (own,) = _one({"event": "Signed In", "properties": {"source": "form", "content": {"a": 1}}, "context": context})
    assert own["properties"] == {"source": "form", "content": {"a": 1}, "referrer": "r"}
    (none,) = _one({"event": "Signed In", "context": {"page": {"referrer": "r"}}})
    assert "properties" not in none
    (traits,) = _one({"type": "identify", "traits": {"a": 1}, "context": context})
    assert traits["properties"] == {"a": 1}
    (view,) = _one({"type": "page", "properties": {"sku": "s"}, "context": context})
    assert (view["event"], view["properties"]) == ("view_item", {"source": "news", "referrer": "r"})


@pytest.mark.parametrize(
    ("name", "event", "channel"),
    [
        ("Email Delivered", "email_send", "email"),
        ("Push Notification Received", "message_send", "push"),
        ("push notification tapped", "message_click", "push"),
    ],
)
def test_contacts(name: str, event: str, channel: str) -> None:
    """Messages that reached somebody come with their channel."""
    (found,) = _track(name)
    assert (found["event"], found["channel"]) == (event, channel)


def test_what_came_back_is_of_its_order() -> None:
    """A return or delivery happens to each of its products, and all lines name the order."""
    lines = _track("return", order_id="o", products=[{"product_id": "a", "price": 2}, {"product_id": "b"}])
    assert [(one["event"], one["order_id"], one["item_id"]) for one in lines] == [
        ("return", "o", "a"),
        ("return", "o", "b"),
    ]
    (whole,) = _track("delivery", order_id="o", carrier="x")
    assert (whole["order_id"], whole["properties"]) == ("o", {"carrier": "x"})


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"id": 9, "name": "Initech"}, {"company": "9", "company_traits": {"id": 9, "name": "Initech"}}),
        ({"name": "Initech"}, {"company_traits": {"name": "Initech"}}),
        ("c-1", {"company": "c-1"}),
        (True, {}),
    ],
)
def test_a_company_is_a_trait(said: object, kept: dict[str, Any]) -> None:
    """A company is named by its id as a trait, and is no identity; what Segment tells of it is kept beside it."""
    (found,) = _one({"type": "identify", "traits": {"company": said, "plan": "x"}})
    assert found["properties"] == {"plan": "x"} | kept


@pytest.mark.parametrize("message", [{"type": "teleport"}, {"event": "Product Viewed"}, {"type": None}])
def test_no_call_is_refused(message: dict[str, Any]) -> None:
    """Without the name of a call there is nothing to translate."""
    with pytest.raises(InputError, match="track, identify"):
        _batch({"userId": "u"} | message)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (SENT, NOW - timedelta(seconds=10)),
        ({"timestamp": "2026-03-01T09:00:00Z"}, datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ({"sentAt": "2026-03-01T09:00:10Z"}, NOW),
        ({}, NOW),
        (SENT | {"originalTimestamp": "2020-01-01T00:00:00Z"}, datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ({"sentAt": SENT["sentAt"], "originalTimestamp": "2026-03-01T09:00:00Z"}, NOW - timedelta(seconds=10)),
        (SENT | {"receivedAt": "2026-03-01T10:00:00Z"}, datetime(2026, 3, 1, 9, 59, 50, tzinfo=UTC)),
        ({"timestamp": "2026-03-01T10:00:00.123456789+01:00"}, datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_clock_of_the_client(times: dict[str, str], expected: datetime) -> None:
    """A wrong clock is put right by when the message was sent, unless Segment has done so or nothing says when."""
    (done,) = _batch({"type": "track", "event": "Signed In", "userId": "u"} | times)
    assert done.events[0].timestamp == expected


def test_time_that_is_none() -> None:
    """A time that is none is refused, naming the field."""
    (done,) = _batch({"type": "track", "event": "Signed In", "userId": "u", "timestamp": "yesterday"})
    assert [one.field for one in done.refused] == ["timestamp"]
    assert "ISO 8601" in done.refused[0].reason


@pytest.mark.parametrize("time", [1772362800, "1772362800", 1772362800000, "1772362800000.0", "2026-03-01 12:00:00+01"])
def test_times_in_all_spellings(time: object) -> None:
    """Numbers since 1970 are in the unit that their size tells, and an offset may be of hours alone."""
    (found,) = _one({"event": "Signed In", "timestamp": time})
    assert found["timestamp"] == "2026-03-01T11:00:00Z"


def test_retry_has_the_same_ids() -> None:
    """The same message sent again later has the same event id, with a messageId or without one."""
    for message in ({"messageId": "m"}, {"messageId": "m" * 300}, {}):
        whole = {"type": "track", "event": "Signed In", "userId": "u", "timestamp": "2026-03-01T09:00:00Z"} | message
        ids = {_batch(whole, sentAt=f"2026-03-01T09:0{minute}:00Z")[0].events[0].event_id for minute in (1, 5)}
        assert len(ids) == 1
        assert len(ids.pop() or "") <= 256


@pytest.mark.parametrize("name", ["Product Added", "Signed In", "Subscribed"])
def test_what_decides_is_no_repeat(name: str) -> None:
    """What decides and has neither messageId nor time is told apart by its arrival, also within one batch."""
    message = {"type": "track", "event": name, "userId": "u", "properties": {"product_id": "p"}}
    first, second = _batch(message, message)
    assert first.events[0].event_id != second.events[0].event_id
    assert first.events[0].timestamp < second.events[0].timestamp  # type: ignore[operator]


def test_consent_is_no_repeat() -> None:
    """Consent said of a page, withdrawn and given within a minute, is three words even where no messageId tells so."""
    said = [{"consent": {"categoryPreferences": {"Functional": granted}}} for granted in (False, True, False)]
    whole = [{"type": "page", "userId": "u", "context": one} for one in said]
    ids = [done.events[0].event_id for done in _batch(*whole)]
    assert len(set(ids)) == 3


def test_further_identities() -> None:
    """Ids of device and other systems are identities; an advertising id of zeros, or forbidden, is none."""
    context = {
        "device": {"id": "d", "type": "iOS", "advertisingId": "00000000-0000-0000-0000-000000000000"},
        "externalIds": [{"type": "crm", "id": 7}, {"type": "email", "id": "a@b.c"}, {"id": "x"}, None],
        "traits": {"phone": "+49 1"},
        "userAgent": "Mozilla/5.0",
    }
    (found,) = _one({"event": "Product Viewed", "properties": {"product_id": "p"}, "context": context})
    assert (found["channel"], found["properties"]["user_agent"]) == ("app", "Mozilla/5.0")
    assert found["properties"]["identities"] == {
        "device": "d", "external:crm": "7", "email_sha256": identities.hashed_email("a@b.c"),
        "phone_sha256": identities.hashed_phone("+491"),
    }  # fmt: skip
    for device in ({"advertisingId": "00000000-0000"}, {"advertisingId": "x", "adTrackingEnabled": False}):
        (bare,) = _one({"event": "Signed In", "context": {"device": device}})
        assert "properties" not in bare


def test_guests_order_is_one_customers() -> None:
    """Where no user_id says whose an order is, each of its lines names the same identities."""
    order = {"order_id": "o", "email": "a@b.c", "products": [{"product_id": "a"}, {"product_id": "b"}]}
    message = {"event": "Order Completed", "userId": None, "anonymousId": "x", "properties": order}
    lines = _one(message | {"context": {"externalIds": [{"type": "crm", "id": "7"}]}})
    expected = {"order_email_sha256": identities.hashed_email("a@b.c"), "external:crm": "7"}
    assert [line["properties"]["identities"] for line in lines] == [expected, expected]


def test_consent_comes_first() -> None:
    """Consent by category is consent by purpose, before the event it came with; of two words a denial counts."""
    preferences = {"Functional": True, "Analytics": False, "Advertising": True, "C0004": False, "DataSharing": True}
    context = {"consent": {"categoryPreferences": preferences | {"Fish": True, "odd": "yes"}}}
    consent, login = _one({"event": "Signed In", "context": context})
    assert (consent["event"], consent["event_id"], login["event_id"]) == ("set_consent", "m#consent", "m")
    assert consent["properties"] == {
        "personalisation": True, "analytics": False, "ad": False, "enrichment": True, "fish": True, "source": "segment",
    }  # fmt: skip


def test_batch_adds_its_context() -> None:
    """What a batch states for all is in each message, whose own word counts."""
    own = {"type": "track", "event": "Signed In", "userId": "u", "context": {"userAgent": "own"}}
    other = {"type": "track", "event": "Signed In", "userId": "u"}
    found = _batch(own, other, context={"userAgent": "shared", "device": {"type": "android"}}, sentAt=SENT["sentAt"])
    said = [(one.events[0].channel, (one.events[0].properties or {})["user_agent"]) for one in found]
    assert said == [("app", "own"), ("app", "shared")]


def test_payload_gives_the_same_again() -> None:
    """The kept payload, translated again at any later time, says the same, and has every value byte for byte but no key."""
    products = [{"product_id": "a", "price": 1.10, "quantity": 2}, {"product_id": "b"}]
    order = {"event": "Order Completed", "properties": {"products": products, "Ü": "ß"}, "writeKey": "sk_key"}
    body = json.dumps({"batch": [{"type": "track", "userId": "u"} | order], "writeKey": "sk_key"} | SENT).encode()
    (raw,) = messages(body.replace(b"1.1,", b"1.10,"), "batch", NOW)
    (again,) = messages(b'{"batch": [' + raw + b"]}", "batch", NOW + timedelta(days=9))
    assert (again, segment.translate(again)) == (raw, segment.translate(raw))
    assert b'"price": 1.10' in raw
    assert b"sk_key" not in raw


def test_payload_is_with_the_first_event() -> None:
    """The first event has the payload, not consent, which may yet be refused, unless there is nothing else."""
    consent = {"context": {"consent": {"categoryPreferences": {"Analytics": True}}}}
    message = {"type": "track", "event": "Signed In", "userId": "u", "messageId": "m"} | consent
    (done,) = _batch(message)
    good, bad = accepted(done, NOW, 3)
    assert ([one.raw is not None for one in good], bad) == ([False, True], [])
    assert [one.index for one in good] == [3, 3]
    (alone,) = _batch(message | {"event": "Order Completed"})
    good, bad = accepted(alone, NOW, 3)
    assert ([one.raw for one in good], [one.index for one in bad]) == ([alone.raw], [3])


def test_checks_are_those_of_native_events() -> None:
    """Who did nothing, or will do so in a week, is refused as `POST /v1/events` refuses it."""
    late = (NOW + timedelta(days=7)).isoformat()
    for message, field in (({}, "user_id"), ({"userId": "u", "timestamp": late}, "timestamp")):
        (done,) = _batch({"type": "track", "event": "Signed In"} | message)
        good, bad = accepted(done, NOW)
        assert (good, [one.field for one in bad]) == ([], [field])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"batch": {}}', b'{"batch": 1}', b"\xff", b"[" * 100_000])
def test_bodies_that_are_none(body: bytes) -> None:
    """A body that is no batch is refused as a whole."""
    with pytest.raises(InputError):
        list(messages(body, "batch", NOW))


def test_limits() -> None:
    """A message, a batch and what it states for all have limits."""
    with pytest.raises(InputError, match="a message may have 32768"):
        _batch({"type": "track", "event": "Signed In", "userId": "u", "properties": {"a": "x" * 40_000}})
    with pytest.raises(InputError, match=f"send at most {MAX_MESSAGES}"):
        _batch(*[{}] * (MAX_MESSAGES + 1))
    with pytest.raises(InputError, match="context of a batch may have"):
        _batch({}, context={"a": "x" * 40_000})


def test_single_call_is_what_its_address_says() -> None:
    """A message sent to a call's address is that call, whatever it says of its type."""
    (raw,) = messages(b'{"userId": "u", "type": "page", "traits": {}}', "identify", NOW)
    assert segment.translate(raw).events[0].__struct_config__.tag == "identify"


def test_ids_of_nobody_in_every_call() -> None:
    """A message, a group and a former id called `undefined` have no such id; a page of such a product is a page."""
    view = {"type": "track", "event": "Product Viewed", "messageId": "undefined", "timestamp": "2026-02-01T00:00:00Z"}
    (first,), (second,) = (_one(view | {"properties": {"product_id": item}}) for item in ("p", "q"))
    assert first["event_id"] != second["event_id"]
    assert "undefined" not in first["event_id"]
    (group,) = _one({"type": "group", "groupId": "null", "traits": {"name": "Initech"}})
    assert group["properties"] == {"group": {"name": "Initech"}}
    assert [one["event"] for one in _one({"type": "page", "properties": {"product_id": "null"}})] == ["page_view"]
    assert [one["item_id"] for one in _one({"type": "page", "properties": {"product_id": 17.0}})] == ["17"]
