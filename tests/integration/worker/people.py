"""People whose ids are other people's ratings, sizes and cards, and what they do: events, payloads, decisions."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from hypothesis import strategies as st

from etappe.events.intake import Accepted, read_event
from etappe.events.translation import ga4, segment, segment_messages
from etappe.events.translation.translated import accepted

NASTY: Final = ("5", "1", "true", "a", "web", "item-1", "44", "false", "purchase", "2026", "size", "de")
"""Ids that are values of other things, too."""
KINDS: Final = ("user_id", "anonymous_id", "loyalty_card", "device_id", "crm")
PEOPLE: Final = 3


class Person(msgspec.Struct, frozen=True):
    """Somebody, by their ids (of KINDS) and addresses. What stands in `telling` is theirs wherever it stands."""

    number: int
    ids: dict[str, str]
    email: str
    phone: str

    @property
    def telling(self) -> list[str]:
        """All that is unmistakably theirs."""
        unique = [value for value in self.ids.values() if value not in NASTY]
        return [*unique, self.email, self.phone, f"former-{self.number}-2024"]


class Deed(msgspec.Struct, frozen=True):
    """What somebody did: of which sort, and the free values in it."""

    person: int
    sort: str
    first: str
    second: str
    number: int
    known: bool


def _unique(kind: str, person: int) -> tuple[str, ...]:
    return (
        f"{kind}-{person}-7f3a9c00",
        f"4{person}3e4567-e89b-12d3-a456-42661417{KINDS.index(kind):02}00",
        f"{kind}+{person}@example.net",
        f"400638133393{person}{KINDS.index(kind)}",
    )


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    """People who share no identity, though an id of one kind may be another's of another kind."""
    pools = {kind: draw(st.permutations(NASTY)) for kind in KINDS}
    found = []
    for number in range(PEOPLE):
        nasty = {kind: pools[kind][number] for kind in KINDS}
        ids = {kind: draw(st.sampled_from((nasty[kind], nasty[kind], *_unique(kind, number)))) for kind in KINDS}
        found.append(Person(number, ids, f"Person.{number}+x@Example.org", f"+43 660 765432{number}"))
    return found


DEEDS: Final = st.builds(
    Deed,
    person=st.integers(0, PEOPLE - 1),
    sort=st.sampled_from(
        ("rate", "traits", "consent", "list", "cart", "buy", "search", "share", "claims", "alias", "segment", "who", "group", "ga4")
    ),
    first=st.sampled_from(NASTY),
    second=st.sampled_from(NASTY),
    number=st.sampled_from((1, 2, 5, 44, 2026)),
    known=st.booleans(),
)  # fmt: skip


def introductions(who: Iterable[Person]) -> list[Accepted]:
    """What links all identities of each of them."""
    found = []
    for person in who:
        ids = person.ids
        said = {"loyalty_card": ids["loyalty_card"], "device_id": ids["device_id"], "email": person.email}
        said |= {"phone": person.phone, "identities": {"external": {"crm": ids["crm"]}}, "plan": "5"}
        found += _native(person, f"hello-{person.number}", "identify", said, known=True)
    return found


def done(deed: Deed, person: Person, name: str, extra: dict[str, Any] | None = None) -> list[Accepted]:
    """The events of a deed, called `name`; `extra` are further properties."""
    first, second, number = deed.first, deed.second, deed.number
    if deed.sort in ("segment", "who", "group"):
        return _segment(deed, person, name, extra or {})
    if deed.sort == "ga4":
        return _ga4(deed, person, name, extra or {})
    event, said, fields = {
        "rate": ("rate", {"rating": min(number, 5), "why": first}, {"item_id": second}),
        "traits": ("set_traits", {first: second, "size": number, "text": f"{first} {second}", "many": [first]}, {}),
        "consent": ("set_consent", {"email": number != 1, "source": first, "text_version": second}, {}),
        "list": ("view_item_list", {"items": [first, second], "device": first, "user_id": second}, {}),
        "cart": ("add_to_cart", {first: number}, {"item_id": first, "quantity": number, "price": 5}),
        "buy": ("purchase", {"email": person.email}, {"item_id": first, "price": 1, "order_id": second}),
        "search": ("search", {"term": first, "previous_id": second}, {}),
        "share": ("share", {"email": person.email, "note": first}, {"item_id": second}),
        "claims": ("login", {"claimed": {"user_id": person.ids["user_id"]}, "x": {first: [second]}}, {}),
        "alias": ("alias", {"previous_id": f"former-{person.number}-2024"}, {}),
    }[deed.sort]
    known = deed.known or deed.sort in ("alias", "claims")
    return _native(person, name, str(event), said | (extra or {}), known=known, **fields)  # type: ignore[operator, arg-type]


def _native(
    person: Person, name: str, event: str, said: dict[str, Any], *, known: bool, **fields: Any
) -> list[Accepted]:
    ids = {"user_id": person.ids["user_id"]} if known else {}
    whole = {"event_id": name, "event": event, "properties": said, "anonymous_id": person.ids["anonymous_id"]}
    return [read_event(json.dumps(whole | ids | fields).encode(), datetime.now(UTC) - timedelta(seconds=1))]


def _segment(deed: Deed, person: Person, name: str, extra: dict[str, Any]) -> list[Accepted]:
    ids, now = person.ids, datetime.now(UTC)
    context = {"device": {"id": ids["device_id"], "type": "ios"}, "traits": {"email": person.email, "size": deed.first}}
    context |= {"externalIds": [{"type": "crm", "id": ids["crm"], "collection": deed.first}], "locale": deed.second}
    product = {"product_id": deed.first, "quantity": deed.number, "price": "5.10", "device": deed.second, "id": "5"}
    said = {"order_id": deed.second, "rating": 5, "label": deed.first, "products": [product]} | extra
    message = {"messageId": name, "userId": ids["user_id"], "anonymousId": ids["anonymous_id"], "context": context}
    message |= {
        "segment": {"event": "Order Completed", "properties": said},
        "who": {"traits": {"size": deed.first, "loyalty_card": ids["loyalty_card"], "phone": person.phone} | extra},
        "group": {"groupId": deed.first, "traits": {"name": deed.second} | extra},
    }[deed.sort]
    call = {"segment": "track", "who": "identify", "group": "group"}[deed.sort]
    raws = segment_messages.messages(json.dumps(message).encode(), call, now)
    return [one for raw in raws for one in accepted(segment.translate(raw), now)[0]]


def _ga4(deed: Deed, person: Person, name: str, extra: dict[str, Any]) -> list[Accepted]:
    now = datetime.now(UTC)
    params = {"currency": "EUR", "value": deed.number, "transaction_id": name, "label": deed.first} | extra
    items = [{"item_id": deed.first, "quantity": deed.number, "item_name": deed.second}]
    body = {
        "client_id": person.ids["anonymous_id"],
        "user_id": person.ids["user_id"],
        "user_properties": {"size": {"value": deed.first}, "plan": {"value": deed.number}},
        "events": [{"name": "purchase", "params": params | {"items": items}}, {"name": deed.second, "params": params}],
    }
    return accepted(ga4.translate(ga4.stamped(json.dumps(body).encode(), now)), now)[0]
