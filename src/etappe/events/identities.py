"""The identities an event names: who did it, in all the ways a shop knows a person by.

`user_id` and `anonymous_id` are fields of every event. The others stand in `properties.identities`, or by their plain
names in the properties of events that tell who somebody is. Of e-mail addresses and phone numbers only the SHA-256 is
kept.
"""

import hashlib
import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.vocabulary import NAME_OF, Event
from etappe.values import ids
from etappe.values.unreadable import Unreadable

USER: Final = "user_id"
ANONYMOUS: Final = "anonymous_id"
EMAIL: Final = "email_sha256"
PHONE: Final = "phone_sha256"
DEVICE: Final = "device"
CARD: Final = "loyalty_card"
ORDER_EMAIL: Final = "order_email_sha256"
EXTERNAL: Final = "external:"
"""Prefix of the ids that other systems give: `external:crm`."""

KINDS: Final = (USER, CARD, EMAIL, PHONE, ORDER_EMAIL, ANONYMOUS, DEVICE)
"""Kinds by how surely they mean one person: an event belongs to the first that it names. External ids come last."""
SHARED_EASILY: Final = frozenset({ANONYMOUS, DEVICE})
"""Kinds that several people may use: a browser, a household's tablet."""

GROUPS: Final = ("household", "company", "buying_centre")
"""Groups that customers belong to. Several people share one, so that it is no identity: nobody is linked by it. It is
kept as a trait that has the group's id."""

IDENTITIES: Final = "identities"
PREVIOUS: Final = "previous_id"
"""The property under which an alias names the other identity."""
CLAIMED: Final = "claimed"
"""The property under which identities are put aside that whoever sent them cannot vouch for."""
TELLING: Final = frozenset(
    {
        "identify", "login", "sign_up", "generate_lead", "subscribe", "unsubscribe", "purchase", "refund",
        "store_visit", "set_traits", "service_contact", "email_open", "email_click", "alias", "survey", "delivery",
        "complaint", "return", "email_send", "message_send", "message_open", "message_click",
    }
)  # fmt: skip
"""Events whose properties name their own person. Others may speak of someone else: whom something is shared with."""
_SALES: Final = frozenset({"purchase", "refund"})
_OF_TRAITS: Final = frozenset({"identify", "set_traits"})
"""Events whose properties are traits."""
PLAIN: Final = {
    "email": EMAIL,
    "phone": PHONE,
    "device": DEVICE,
    "device_id": DEVICE,
    "loyalty_card": CARD,
    "order_email": ORDER_EMAIL,
    "receipt_email": ORDER_EMAIL,
    "email_sha256": EMAIL,
    "phone_sha256": PHONE,
    "order_email_sha256": ORDER_EMAIL,
}
"""Names by which properties tell an identity, and its kind."""
_ADDRESSES: Final = frozenset({"email", "order_email", "receipt_email"})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOST: Final = 16
_LENGTH: Final = 256


class Identity(msgspec.Struct, frozen=True, order=True):
    """One way a person is known: (kind, value)."""

    kind: str
    value: str


def named(event: Event) -> list[Identity]:
    """The identities of a `settled` event, each once, surest kind first: the first is whose event it is."""
    found = [Identity(USER, event.user_id)] if event.user_id else []
    if event.anonymous_id:
        found.append(Identity(ANONYMOUS, event.anonymous_id))
    listed = event.properties.get(IDENTITIES) if event.properties else None
    if not listed:
        return found  # most events; these two are in order
    found += [Identity(kind, value) for kind, value in listed.items()]
    return sorted(set(found), key=lambda one: (rank(one.kind), one.value))


def first_named(event: Event) -> Identity | None:
    """Whose a `settled` event is: the surest identity it names, which a user_id is before all others."""
    if event.user_id:
        return Identity(USER, event.user_id)
    if event.anonymous_id and not (event.properties and IDENTITIES in event.properties):
        return Identity(ANONYMOUS, event.anonymous_id)
    return next(iter(named(event)), None)


def rank(kind: str) -> int:
    """The place of a kind among KINDS; external ids stand behind phone numbers."""
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def settled(event: Event, nobody: frozenset[str] = ids.NOBODY) -> Event:
    """The event with all further identities in `properties.identities`, normalised and hashed; its groups are traits.

    What is one of `nobody` names none.

    Raises:
        InputError: one of them is no text, too long, no SHA-256 where that is said, or a group in an event that tells
            no traits; names the field.
    """
    if not event.properties:
        return event
    tag = NAME_OF[type(event)]
    if tag not in TELLING and IDENTITIES not in event.properties:
        return event  # most events
    said = dict(event.properties)
    listed = said.pop(IDENTITIES, None)
    if listed is not None and not isinstance(listed, dict):
        raise InputError("properties.identities is an object of kinds and values", field="properties.identities")
    if listed or tag in _OF_TRAITS:
        said = _with_groups(tag, listed or {}, said, nobody)
    found = _all(
        {name: value for name, value in (listed or {}).items() if name not in GROUPS},
        f"properties.{IDENTITIES}",
        nobody,
    )
    if tag == "alias" and isinstance(said.get(PREVIOUS), str | int):
        said[PREVIOUS] = _text(said[PREVIOUS], f"properties.{PREVIOUS}", nobody)
    if tag in TELLING:
        plain = {name: said.pop(name) for name in tuple(said) if name in PLAIN and said[name] is not None}
        if tag in _SALES and "email" in plain:
            plain.setdefault("order_email", plain.pop("email"))
        found = _all(plain, "properties", nobody) | found
    if len(found) > _MOST:
        raise InputError(f"{len(found)} identities; an event names at most {_MOST}", field="properties.identities")
    if found:
        said[IDENTITIES] = found
    return msgspec.structs.replace(event, properties=said or None)


def hashed_email(address: str) -> str:
    """SHA-256 (hex) of an e-mail address in lower case without surrounding space, as ad platforms hash it too."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def hashed_phone(number: str) -> str:
    """SHA-256 (hex) of a phone number as `+` and digits; a leading 00 is a `+`."""
    digits = re.sub(r"\D", "", number)
    plus = number.strip().startswith(("+", "00"))
    return hashlib.sha256((("+" if plus else "") + digits.removeprefix("00" if plus else "")).encode()).hexdigest()


def _with_groups(tag: str, listed: dict[str, Any], said: dict[str, Any], nobody: frozenset[str]) -> dict[str, Any]:
    """`said` with the groups among identities as traits; those that are traits already as text, as ids are."""
    groups = [name for name in GROUPS if name in listed]
    if groups and tag not in _OF_TRAITS:
        field = f"properties.{IDENTITIES}.{groups[0]}"
        raise InputError(
            f"{field} is a group and nobody's identity; send it as a trait, with set_traits or identify", field=field
        )
    own = {
        name: said[name]
        for name in GROUPS
        if tag in _OF_TRAITS and (isinstance(said.get(name), str) or type(said.get(name)) is int)
    }
    told = {name: _text(value, f"properties.{name}", nobody) for name, value in own.items()}
    told |= {name: _text(listed[name], f"properties.{IDENTITIES}.{name}", nobody) for name in groups}
    kept = {name: value for name, value in said.items() if name not in told}
    return kept | {name: value for name, value in told.items() if value is not None}


def _all(said: dict[str, Any], place: str, nobody: frozenset[str]) -> dict[str, str]:
    found: dict[str, str | None] = {}
    for name, value in said.items():
        if name == "external" and isinstance(value, dict):
            found |= {
                EXTERNAL + source: _text(one, f"{place}.external.{source}", nobody) for source, one in value.items()
            }
        elif name in PLAIN or name.startswith(EXTERNAL):
            text = _text(value, f"{place}.{name}", nobody)
            kind, told = (name, None) if text is None else _one(name, text, f"{place}.{name}")
            found[kind] = None if told in _hashes(nobody) else told
        else:
            known = ", ".join((*PLAIN, "external:SOURCE"))
            raise InputError(f"{place}.{name} is no kind of identity; there are {known}", field=f"{place}.{name}")
    return {kind: text for kind, text in found.items() if text is not None}


@lru_cache(maxsize=16)
def _hashes(nobody: frozenset[str]) -> frozenset[str]:
    """What others hash where they know no address: the SHA-256 of nothing, of "null" and the like."""
    return frozenset(hashlib.sha256(text.encode()).hexdigest() for text in nobody)


def _one(name: str, text: str, place: str) -> tuple[str, str]:
    kind = PLAIN.get(name, name)
    if name in _ADDRESSES:
        return kind, hashed_email(text)
    if name == "phone":
        return kind, hashed_phone(text)
    if kind.endswith("_sha256") and not _SHA256.fullmatch(text.lower()):
        raise InputError(f"{place} is no SHA-256; send 64 hexadecimal digits, or the plain value", field=place)
    return kind, text.lower() if kind.endswith("_sha256") else text


def _text(value: object, place: str, nobody: frozenset[str]) -> str | None:
    """An identity's text; None where it is nobody's."""
    try:
        text = ids.cleaned(value, nobody)
    except Unreadable as error:
        raise InputError(f"{place}: {error}", field=place) from error
    if value is None or (text is not None and len(text) > _LENGTH):
        raise InputError(f"{place} is text of 1 to {_LENGTH} characters", field=place)
    return text
