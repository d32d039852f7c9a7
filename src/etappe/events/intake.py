"""Events as they come in: decoded, checked and completed one by one, so that one bad event spoils no batch."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from etappe.errors import InputError, TooMuchError
from etappe.events import details, identities, mending, nested
from etappe.events.vocabulary import (
    NAME_OF,
    TYPES,
    Alias,
    AnyEvent,
    Delivery,
    Event,
    Identify,
    Refund,
    Return,
    SetConsent,
    SetTraits,
    known_by_content,
)
from etappe.values.reading import USUAL, Reading
from etappe.values.wording import plain

MAX_EVENTS: Final = 500
MAX_EVENT_BYTES: Final = 32 * 1024
MAX_BODY_BYTES: Final = MAX_EVENTS * (MAX_EVENT_BYTES + 1) + 1024
MAX_TRAITS_BYTES: Final = 8 * 1024
MAX_NESTING: Final = 32
"""Objects and lists inside one another in `properties`."""
AHEAD: Final = timedelta(days=1)
"""A client's clock may be this far ahead of ours."""
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Times of events are counted from here."""
MAX_ID_LENGTH: Final = 256
CONSENT_ORIGIN: Final = ("source", "text_version")
"""Properties of `set_consent` that are no purposes: where consent was given, and under which version of the text."""


class Sender(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Whom a browser speaks for: `token` is signed by the shop's server."""

    token: str | None = None


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /v1/events`: each event is decoded on its own."""

    events: list[msgspec.Raw]
    customer: Sender = Sender()


class Accepted(msgspec.Struct, frozen=True):
    """A valid event, completed: it has an id and a time. `raw` is the payload of another system it was made of.

    `proven` is whether who sent it may speak for whose it is; `granting` is a browser's consent, which takes
    no denial of an account back; `flag` says why it counts for no record; of a `private` one whose it is, is not kept.
    """

    index: int
    event: Event
    event_id: str
    time: datetime
    raw: bytes | None = None
    proven: bool = True
    granting: bool = False
    flag: str | None = None
    private: bool = False


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that was not taken: its place in the batch, why, and the field to mend."""

    index: int
    reason: str
    field: str | None = None


_OF_ORDERS: Final = frozenset({Refund, Return, Delivery})
"""Events about an order or an item of it, of which they name one at least."""
_SAYING: Final = frozenset({SetTraits, SetConsent, Identify})
_NESTS: Final = (dict, list)
_UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_BATCH = msgspec.json.Decoder(Batch)
_EVENT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyEvent)
_NAME = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder()


class Read(NamedTuple):
    """What a batch was found to be: its valid and its invalid events, and the visitor token that came with it."""

    accepted: list[Accepted]
    rejected: list[Rejected]
    token: str | None


def read_batch(body: bytes, now: datetime, most: int = MAX_EVENTS, reading: Reading = USUAL) -> Read:
    """The valid and the invalid events of a batch that arrived at `now`.

    Raises:
        InputError: the body as a whole is none of a batch.
        TooMuchError: it has more than `most` events.
    """
    try:
        batch = _BATCH.decode(body)
    except _UNDECODABLE as error:
        raise InputError(f'{error}; the body is {{"events": [...]}}', field="events") from error
    raws = batch.events
    if len(raws) > most:
        raise TooMuchError(f"{len(raws)} events in one batch; send at most {most}", field="events")
    accepted: list[Accepted] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(raws):
        try:
            accepted.append(read_event(bytes(raw), now, index, reading))
        except InputError as error:
            lines, told = nested.lines_in(bytes(raw)[: MAX_EVENT_BYTES + 1], reading)
            if not lines:
                rejected.append(Rejected(index, str(error), error.field))
            for line in lines:
                _read_line(line, now, index, told, (accepted, rejected))
            if len(accepted) + len(rejected) > max(most, len(raws)):
                raise TooMuchError(f"more than {most} events with their lines; send fewer", field="events") from error
    return Read(accepted, rejected, batch.customer.token)


def _read_line(
    line: bytes, now: datetime, index: int, reading: Reading, into: tuple[list[Accepted], list[Rejected]]
) -> None:
    try:
        into[0].append(read_event(line, now, index, reading))
    except InputError as error:
        into[1].append(Rejected(index, str(error), error.field))


def read_event(raw: bytes, now: datetime, index: int = 0, reading: Reading = USUAL) -> Accepted:
    """One event in native form, checked and completed: those of a batch that name no time happened in its order.

    Raises:
        InputError: it cannot be taken; says why and names the field.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise InputError(f"{len(raw)} bytes; an event may have {MAX_EVENT_BYTES}")
    try:
        event: Event = _EVENT.decode(raw)
    except _UNDECODABLE as error:
        event = _mended(raw, error, reading, now)
    settled = identities.settled(mending.with_clean_ids(event, reading.nobody), reading.nobody)
    happened = check(settled, now)
    time = happened or now + timedelta(microseconds=index)
    return Accepted(index, settled, settled.event_id or content_id(raw, event, time), time)


def _mended(raw: bytes, error: Exception, reading: Reading, now: datetime) -> Event:
    """The event that could not be decoded for `error`, with values of its fields read as others write them."""
    try:
        said = _NAME.decode(raw)
        event: Event = msgspec.convert(mending.mended(said, reading, now), AnyEvent)
    except msgspec.ValidationError as again:
        raise _explained(raw, again) from error
    except _UNDECODABLE:
        raise _explained(raw, error) from error
    return event


def check(event: Event, now: datetime) -> datetime | None:
    """What the types cannot say. Returns when it happened (UTC), where it says so.

    Raises:
        InputError: the event makes no sense; names the field.
    """
    happened = None if event.timestamp is None else _happened(event.timestamp, now)
    if not (event.user_id or event.anonymous_id or event.order_id or identities.named(event)):
        raise InputError("nobody did this: give user_id or anonymous_id (or order_id for a sale)", field="user_id")
    if event.properties and deeper(event.properties, MAX_NESTING):
        raise InputError(f"properties are nested more than {MAX_NESTING} deep", field="properties")
    kind = type(event)
    if kind in _OF_ORDERS and not (event.item_id or event.order_id):
        raise InputError(f"a {NAME_OF[kind]} names an item_id or an order_id", field="item_id")
    details.check(event)
    if kind in _SAYING:
        _check_said(event)
    if kind is Alias and not _names_two(event):
        raise InputError(
            "an alias names two identities: give properties.previous_id beside user_id", field="properties.previous_id"
        )
    return happened


def _happened(timestamp: datetime, now: datetime) -> datetime:
    happened = _aware(timestamp)
    if happened > now + AHEAD:
        raise InputError(f"timestamp {timestamp.isoformat()} is more than a day ahead", field="timestamp")
    if happened < EARLIEST:
        raise InputError(f"timestamp {timestamp.isoformat()} is before 1970; is the clock set?", field="timestamp")
    return happened


def completed(accepted: Accepted) -> bytes:
    """The event as the durable stream keeps it: native JSON with its id and time."""
    event = accepted.event
    if event.event_id != accepted.event_id or event.timestamp is not accepted.time:
        event = msgspec.structs.replace(event, event_id=accepted.event_id, timestamp=accepted.time)
    return _ENCODER.encode(event)


def nobodys(accepted: Accepted) -> Accepted:
    """The event as it is kept where whose it is may not be: a basket and no more."""
    event = msgspec.structs.replace(accepted.event, user_id=None, anonymous_id=None, properties=None)
    return msgspec.structs.replace(accepted, event=event, raw=None)


def content_id(raw: bytes, event: Event, time: datetime) -> str:
    """An id for an event without one: the same bytes (of the same minute, where they have no time) are a retry.

    What decides is never a retry by its bytes alone: it gets an id that no other arrival has.
    """
    if not known_by_content(NAME_OF[type(event)], timed=event.timestamp is not None):
        return "a-" + os.urandom(12).hex()
    stamp = b"" if event.timestamp else time.replace(second=0, microsecond=0).isoformat().encode()
    return "c-" + hashlib.blake2b(raw + stamp, digest_size=12).hexdigest()


def _check_said(event: Event) -> None:
    tag, said = NAME_OF[type(event)], event.properties or {}
    if not said and not isinstance(event, Identify):
        raise InputError(f"{tag} says nothing: give properties", field="properties")
    if len(msgspec.json.encode(said)) > MAX_TRAITS_BYTES:
        raise InputError(f"properties of {tag} may have {MAX_TRAITS_BYTES} bytes", field="properties")
    if any(name.startswith("$") for name in said):
        raise InputError("names that begin with $ are reserved", field="properties")
    if isinstance(event, SetConsent):
        _check_consent(said)


def _check_consent(said: dict[str, Any]) -> None:
    """Purposes are true or false; where and under which text that was said are words."""
    for name, value in said.items():
        if name in CONSENT_ORIGIN and not isinstance(value, str | None):
            raise InputError(f"{name} of a consent is text", field=f"properties.{name}")
        if name not in (*CONSENT_ORIGIN, identities.IDENTITIES) and not isinstance(value, bool):
            raise InputError(f"consent to {name!r} is true or false", field=f"properties.{name}")


def _aware(time: datetime) -> datetime:
    """Times without a zone are UTC."""
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise InputError(f"timestamp {time.isoformat()} is outside the years 1 to 9999", field="timestamp") from error


def _names_two(event: Event) -> bool:
    previous = (event.properties or {}).get("previous_id")
    if previous is None:
        return len(identities.named(event)) > 1
    return isinstance(previous, str) and 1 <= len(previous) <= MAX_ID_LENGTH


def deeper(value: object, levels: int) -> bool:
    """Whether more than `levels` objects and lists are inside one another."""
    nests = [value] if isinstance(value, _NESTS) else []
    while nests and levels:
        levels -= 1
        nests = [
            part
            for nest in nests
            for part in (nest.values() if isinstance(nest, dict) else nest)
            if isinstance(part, _NESTS)
        ]
    return bool(nests)


def _explained(raw: bytes, error: Exception) -> InputError:
    """The decoder's message, with the vocabulary where the event's name is the trouble, and the field."""
    try:
        name = _NAME.decode(raw).get("event")
    except _UNDECODABLE:
        return InputError(f"no event: {error}")
    if not isinstance(name, str) or name not in TYPES:
        return InputError(f"event {name!r} is not in the vocabulary: {', '.join(TYPES)}", field="event")
    message, _, place = str(error).partition(" - at `$")
    field, told = place.strip("`.") or _quoted(message), plain(message)
    return InputError(f"{field}: {told}" if field else told, field=field)


def _quoted(message: str) -> str | None:
    """The field a message such as "Object missing required field `item_id`" names."""
    parts = message.split("`")
    return parts[1] if message.startswith("Object") and len(parts) > 1 else None
