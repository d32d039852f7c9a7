"""What is believed of events, by who sent them: rules on events alone, whatever key or cookie proved it.

A secret key is believed all. A browser's key is public, so whatever comes with it is believed only as far as it proves
whom it speaks for: a user_id or an anonymous_id, by a token that the shop's server or Etappe signed.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from etappe.events.identities import ANONYMOUS, CLAIMED, IDENTITIES, USER, Identity, named
from etappe.events.intake import MAX_ID_LENGTH, Accepted, Rejected
from etappe.events.vocabulary import NAME_OF, Alias, Event, Identify, Purchase, Refund, SetConsent, SetTraits

BROWSER: Final = "b:"
"""What the ids of events begin with that came in with a publishable key: no id of a secret key's does."""
_ESCAPED: Final = "s:"
_TAKEN: Final = re.compile(r"(?:s:)*b:")
_DIGEST_BYTES: Final = 16
ISSUED: Final = "ev-"
"""What the anonymous_ids begin with that Etappe makes: nobody links one who cannot prove to be it."""
SHOPS_OWN: Final = frozenset({"delivery", "complaint", "return", "email_send", "message_send"})
"""Events that no browser is believed: what the shop did, or has on its own books."""
UNPROVEN: Final = "unproven"
"""The flag of what may change an account, sent by a browser that did not prove whom it speaks for."""


class Sender(msgspec.Struct, frozen=True):
    """Who sent events: `trusted` is a secret key's holder; `proves` says of which identities a browser has proof."""

    trusted: bool
    proves: Callable[[Identity], bool]


def id_from(event_id: str, *, trusted: bool) -> str:
    """The id of an event as it is kept: each kind of key has ids of its own, which no id of the other kind can be."""
    if trusted:
        return _bounded(_ESCAPED, event_id) if _TAKEN.match(event_id) else event_id
    return _bounded(BROWSER, event_id)


def _bounded(prefix: str, event_id: str) -> str:
    whole = prefix + event_id
    if len(whole) <= MAX_ID_LENGTH:
        return whole
    kept = BROWSER if prefix == _ESCAPED else ""
    return f"{prefix}{kept}{hashlib.blake2b(event_id.encode(), digest_size=_DIGEST_BYTES).hexdigest()}"


def received(events: Iterable[Accepted], sender: Sender, *, trust_orders: bool) -> list[Accepted]:
    """Events as they are kept of this sender.

    They have an id of the key's kind, and say whether it was proved whose they are. Orders of a browser are claims,
    unless they are trusted.
    """
    return [_received(one, sender, trust_orders=trust_orders) for one in events]


def _received(one: Accepted, sender: Sender, *, trust_orders: bool) -> Accepted:
    event = one.event
    if sender.trusted and one.proven and not one.granting and one.event_id[1:2] != ":":
        return one  # as nearly all from servers
    if isinstance(event, (Purchase, Refund)) and not (sender.trusted or trust_orders or event.claim):
        event = msgspec.structs.replace(event, claim=True)
    event_id, proven = id_from(one.event_id, trusted=sender.trusted), is_proven(event, sender)
    granting = not sender.trusted and event.user_id is None and _grants(event)
    return msgspec.structs.replace(one, event=event, event_id=event_id, proven=proven, granting=granting)


def is_proven(event: Event, sender: Sender) -> bool:
    """Whether the sender proved to speak for whom the event belongs to: its user_id, else its anonymous_id."""
    if sender.trusted:
        return True
    if event.user_id:
        return sender.proves(Identity(USER, event.user_id))
    return bool(event.anonymous_id) and sender.proves(Identity(ANONYMOUS, event.anonymous_id or ""))


def linking(events: Iterable[Accepted], sender: Sender) -> list[Accepted]:
    """The events that may say who is whom: all with a secret key, else those of the user whom the browser speaks for.

    A token speaks for one account, so it joins no second one by an alias, nor a browser that has its own proof.
    """
    if sender.trusted:
        return list(events)
    return [one for one in events if one.event.user_id and one.proven and _may_link(one.event, sender)]


def _may_link(event: Event, sender: Sender) -> bool:
    browser = event.anonymous_id or ""
    signed = not browser.startswith(ISSUED) or sender.proves(Identity(ANONYMOUS, browser))
    return signed and not isinstance(event, Alias)


def may_change_account(event: Event) -> bool:
    """Whether the event says who an account is, what it allows, or what it bought: nothing that needs no proof.

    A denial in a user_id's own name is taken from anybody.
    """
    if isinstance(event, SetConsent):
        return event.user_id is None
    return isinstance(event, SetTraits | Identify | Alias) or getattr(event, "claim", False)


def without_foreign_consent(
    accepted: list[Accepted], rejected: list[Rejected], sender: Sender
) -> tuple[list[Accepted], list[Rejected]]:
    """The accepted and rejected events: a browser denies consent in a user's name, and never gives it.

    Of an event that does both the denials count.
    """
    if sender.trusted:
        return accepted, rejected
    left: list[Accepted] = []
    refused: list[Rejected] = []
    for one in accepted:
        mine = _denying(one) if one.event.user_id is not None and _grants(one.event) else one
        if mine is None:
            refused.append(Rejected(one.index, "consent of a user_id is given with a secret key", "user_id"))
        else:
            left.append(mine)
    return left, sorted([*rejected, *refused], key=lambda one: one.index)


def without_shops_own(
    accepted: list[Accepted], rejected: list[Rejected], sender: Sender
) -> tuple[list[Accepted], list[Rejected]]:
    """The events without those that only the shop can know, where a browser sends them.

    Else anyone could make a customer look served, angry or written to, which rules and pressure go by.
    """
    if sender.trusted:
        return accepted, rejected
    refused = [
        Rejected(one.index, f"a {tag} is told with a secret key: send it from the server", "event")
        for one in accepted
        if (tag := NAME_OF[type(one.event)]) in SHOPS_OWN
    ]
    left = [one for one in accepted if NAME_OF[type(one.event)] not in SHOPS_OWN]
    return left, [*rejected, *refused]


def without_vouched(
    accepted: list[Accepted], rejected: list[Rejected], sender: Sender
) -> tuple[list[Accepted], list[Rejected]]:
    """The events with identities that only a shop's server can vouch for (a card, an address) put aside as `claimed`.

    Else anyone could write into the record of whoever's e-mail address they know; a visitor token speaks for an id
    alone. Who is named by nothing else is refused.
    """
    if sender.trusted:
        return accepted, rejected
    left = [_claimed(one) for one in accepted]
    nobody = [one for one in left if not (named(one.event) or one.event.order_id)]
    refused = [
        Rejected(one.index, "this identity is named with a secret key", "properties.identities") for one in nobody
    ]
    return [one for one in left if one not in nobody], [*rejected, *refused]


def _claimed(one: Accepted) -> Accepted:
    said = dict(one.event.properties or {})
    found = said.pop(IDENTITIES, None)
    if found is None:
        return one
    event = msgspec.structs.replace(one.event, properties=said | {CLAIMED: found})
    return msgspec.structs.replace(one, event=event)


def _denying(one: Accepted) -> Accepted | None:
    """The event with what it denies; None where that is nothing."""
    said = {name: value for name, value in (one.event.properties or {}).items() if value is not True}
    if False not in said.values():
        return None
    return msgspec.structs.replace(one, raw=None, event=msgspec.structs.replace(one.event, properties=said))


def _grants(event: Event) -> bool:
    return isinstance(event, SetConsent) and True in (event.properties or {}).values()
