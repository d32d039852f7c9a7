"""What is believed of events, by who sent them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etappe.events import trust
from etappe.events.identities import Identity
from etappe.events.intake import MAX_ID_LENGTH, Accepted, read_event
from etappe.events.trust import Sender
from etappe.events.vocabulary import TYPES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDS = st.text(min_size=1, max_size=MAX_ID_LENGTH) | st.text("bs:", min_size=1, max_size=8)
SERVER = Sender(trusted=True, proves=lambda _: True)
STRANGER = Sender(trusted=False, proves=lambda _: False)
ADA = Sender(trusted=False, proves=lambda one: one == Identity("user_id", "ada"))


def _event(event: str = "purchase", **fields: Any) -> Accepted:
    needed = {"event_id": "e-1", "event": event} | ({"item_id": "i"} if event in ("purchase", "view_item") else {})
    return read_event(json.dumps(needed | fields).encode(), NOW)


def _received(sender: Sender, event: Accepted, *, trust_orders: bool = False) -> Accepted:
    (found,) = trust.received([event], sender, trust_orders=trust_orders)
    return found


@given(IDS, IDS)
@example("b:x", "x")
@example("s:b:x", "b:x")
@example("x" * MAX_ID_LENGTH, "b:" + "x" * (MAX_ID_LENGTH - 2))
def test_keys_of_two_kinds_never_share_an_id(one: str, other: str) -> None:
    """No id of a publishable key is one of a secret key's, whatever both call their events; each kind's stay apart."""
    secret = [trust.id_from(text, trusted=True) for text in (one, other)]
    browser = [trust.id_from(text, trusted=False) for text in (one, other)]
    assert not set(secret) & set(browser)
    assert (one == other) is (secret[0] == secret[1]) is (browser[0] == browser[1])
    assert all(1 <= len(text) <= MAX_ID_LENGTH for text in secret + browser)


@given(st.text(min_size=1, max_size=MAX_ID_LENGTH).filter(lambda text: not text.startswith(("b:", "s:"))))
def test_ids_of_servers_stay_as_they_are(text: str) -> None:
    """An id of a secret key is kept as it is, unless it begins as those of browsers do."""
    assert text == trust.id_from(text, trusted=True)


@pytest.mark.parametrize("event", ["purchase", "refund"])
def test_orders_of_browsers_are_claims(event: str) -> None:
    """A purchase or refund is a claim where a browser says so, token or not, and orders are not trusted."""
    sale = _event(event, user_id="ada", order_id="o")
    assert [_claim(_received(sender, sale)) for sender in (STRANGER, ADA, SERVER)] == [True, True, False]
    assert not _claim(_received(STRANGER, sale, trust_orders=True))


def test_a_server_may_pass_on_a_claim() -> None:
    """A secret key may say itself that an order is only claimed; no other event can be one."""
    assert _claim(_received(SERVER, _event(user_id="ada", claim=True)))
    with pytest.raises(Exception, match="claim"):
        _event("view_item", user_id="ada", claim=True)


@pytest.mark.parametrize(
    ("fields", "proven"),
    [
        ({"user_id": "ada"}, True),
        ({"user_id": "ben"}, False),
        ({"anonymous_id": "x"}, False),
        ({"user_id": "ada", "anonymous_id": "x"}, True),
        ({"order_id": "o"}, False),
    ],
)
def test_who_proved_whose_events_they_are(fields: dict[str, str], proven: bool) -> None:
    """A token proves the events of the one it is signed for, and a secret key all."""
    assert proven is _received(ADA, _event(**fields)).proven
    assert _received(SERVER, _event(**fields)).proven


def test_who_may_link() -> None:
    """A browser links its own user alone, by no alias, and no browser of Etappe's making that it cannot prove to be."""
    events = [
        _event("login", user_id="ada", anonymous_id="x"),
        _event("login", user_id="ada", anonymous_id=f"{trust.ISSUED}1"),
        _event("login", user_id="ben", anonymous_id="x"),
        _event("alias", user_id="ada", properties={"previous_id": "ben"}),
        _event("login", anonymous_id="x"),
    ]
    told = [_received(ADA, one) for one in events]
    assert trust.linking(told, ADA) == told[:1]
    assert trust.linking(events, SERVER) == events


def _claim(one: Accepted) -> bool:
    return bool(getattr(one.event, "claim", None))


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"alias", "set_consent"}))
def test_what_only_the_shop_knows_needs_a_secret_key(name: str) -> None:
    """A browser, with proof or without, is refused what the shop did or books; all else is judged by other rules."""
    event = _event(name, user_id="ada", item_id="i", properties={"rating": 3})
    for sender in (STRANGER, ADA):
        taken, refused = trust.without_shops_own([event], [], sender)
        if name in ("delivery", "complaint", "return", "email_send", "message_send"):
            assert taken == []
            assert [(one.index, one.field) for one in refused] == [(0, "event")]
            assert "secret key: send it from the server" in refused[0].reason
        else:
            assert (taken, refused) == ([event], [])
    assert trust.without_shops_own([event], [], SERVER) == ([event], [])
