"""Where ids stand: wherever a translation reads one, and nowhere else."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.events.test_payload_garbage import JSON, NOW, OBJECTS

from etappe.errors import InputError
from etappe.events.identities import EMAIL, PLAIN, TELLING, Identity, hashed_email, hashed_phone, named
from etappe.events.naming import places
from etappe.events.naming.telling import ADDRESSES
from etappe.events.translation import ga4, segment
from etappe.events.translation.segment_messages import messages
from etappe.events.translation.translated import Translated, accepted

_IDS = st.one_of(st.sampled_from(["5", "true", "ada@example.com", "+1 202 555 0123", "a" * 64]), st.integers(0, 9))
_NAMES = st.sampled_from([*PLAIN, "size", "identities", "product_id"])
_SAID = st.dictionaries(_NAMES, _IDS, max_size=4)
_PAIRS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["crm", "email", "phone", "x"]), "id": _IDS}), max_size=2
)
_SEGMENT = st.fixed_dictionaries(
    {
        "userId": _IDS,
        "anonymousId": _IDS,
        "event": st.sampled_from(["Order Completed", "Product Viewed", "Signed Up", "Fly"]),
        "traits": _SAID,
        "properties": st.builds(lambda said, line: said | {"products": [line]}, _SAID, _SAID),
        "context": st.fixed_dictionaries(
            {
                "device": st.fixed_dictionaries({"id": _IDS, "advertisingId": _IDS}),
                "traits": _SAID,
                "externalIds": _PAIRS,
            }
        ),
    }
)
_KEYED = st.lists(
    st.builds(
        lambda key, kind, value: {"key": key, "value": {kind: value}},
        _NAMES,
        st.sampled_from(["string_value", "int_value", "double_value"]),
        _IDS,
    ),
    max_size=3,
)
_GA4 = st.fixed_dictionaries(
    {
        "client_id": _IDS,
        "user_id": _IDS,
        "user_data": st.fixed_dictionaries({"sha256_email_address": st.sampled_from(["b" * 64, ["c" * 64]])}),
        "user_properties": st.dictionaries(_NAMES, st.fixed_dictionaries({"value": _IDS}), max_size=3),
        "events": st.lists(
            st.builds(
                lambda name, said, line: {"name": name, "params": said | {"items": [line]}},
                st.sampled_from(["purchase", "login", "view_item"]),
                _SAID,
                _SAID,
            ),
            max_size=2,
        ),
    }
)
_ROW = st.fixed_dictionaries(
    {
        "event_name": st.sampled_from(["purchase", "login", "view_item"]),
        "user_pseudo_id": _IDS,
        "user_id": _IDS,
        "event_params": _KEYED,
        "user_properties": _KEYED,
        "items": st.lists(st.builds(lambda said, more: said | {"item_params": more}, _SAID, _KEYED), max_size=1),
    }
)


def _all_found(done: Translated) -> None:
    good, _ = accepted(done, NOW)
    read = {_one_address(identity) for one in good for identity in named(one.event)}
    assert read <= set(map(_one_address, places.named(msgspec.json.decode(done.raw), places.PAYLOAD)))


def _one_address(identity: Identity) -> Identity:
    """An address of an order is an address: those who are sought are so by both."""
    return Identity(EMAIL, identity.value) if identity.kind in ADDRESSES else identity


@given(message=st.one_of(_SEGMENT, OBJECTS), call=st.sampled_from(["track", "identify", "page", "group", "alias"]))
@settings(max_examples=300, deadline=None)
def test_whom_a_message_names(message: dict[str, Any], call: str) -> None:
    """Whom the events of one of Segment's messages name, the tables find in the message."""
    for raw in messages(json.dumps(message).encode(), call, NOW):
        try:
            done = segment.translate(raw)
        except InputError:
            continue
        _all_found(done)


@given(body=st.one_of(_GA4, _ROW, OBJECTS), more=st.lists(JSON, max_size=2))
@settings(max_examples=300, deadline=None)
def test_whom_a_body_names(body: dict[str, Any], more: list[Any]) -> None:
    """Whom the events of a body or row of GA4 name, the tables find in it."""
    try:
        done = ga4.translate(ga4.stamped(json.dumps({"events": more} | body).encode(), NOW))
    except InputError:
        return
    _all_found(done)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"userId": 5, "properties": {"rating": 5, "quantity": "5", "product_id": "5"}}, {Identity("user_id", "5")}),
        ({"properties": {"device": "5", "items": ["5"], "user_id": "5"}}, set()),
        ({"traits": {"email": " Ada@Example.com"}}, {Identity("email_sha256", hashed_email("ada@example.com"))}),
        ({"context": {"traits": {"phone": "001 23"}}}, {Identity("phone_sha256", hashed_phone("+123"))}),
        ({"context": {"externalIds": [{"type": "crm", "id": 5}, 5]}}, {Identity("external:crm", "5")}),
        ({"context": {"device": {"id": "5", "name": "5"}}}, {Identity("device", "5")}),
        ({"previousId": "5"}, {Identity("user_id", "5"), Identity("anonymous_id", "5")}),
        ({"client_id": "5", "user_properties": {"size": {"value": "5"}}}, {Identity("anonymous_id", "5")}),
        ({"userId": True, "anonymousId": None, "traits": "5"}, set()),
        ([{"userId": "5"}], set()),
    ],
)
def test_where_ids_stand_in_payloads(document: Any, found: set[Identity]) -> None:
    """A value is an identity of the kind whose place it stands in, and none elsewhere."""
    assert set(places.named(document, places.PAYLOAD)) == found


def test_places_of_properties_depend_on_the_event() -> None:
    """`device` is an id where an event tells who somebody is, `previous_id` in an alias; cards are ids everywhere."""
    said = {"device": "5", "previous_id": "6", "loyalty_card": "7", "identities": {"external": {"crm": 8}}}
    card, crm, device = Identity("loyalty_card", "7"), Identity("external:crm", "8"), Identity("device", "5")
    former = {Identity("user_id", "6"), Identity("anonymous_id", "6")}
    found = {
        event: set(places.named(said, places.properties_of(event))) for event in ("view_item", "identify", "alias")
    }
    assert found["view_item"] == {card, crm}
    assert found["identify"] == {card, crm, device}
    assert found["alias"] == {card, crm, device, *former}
    assert "alias" in TELLING
