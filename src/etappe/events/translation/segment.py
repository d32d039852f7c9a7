"""Segment's messages as events: identify, track, page, screen, group and alias. docs/events.md has the mapping.

A message is translated from its own bytes alone (see `segment_messages`), so that these bytes, kept, give the same
events again.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events.details import RATINGS
from etappe.events.intake import MAX_EVENT_BYTES
from etappe.events.traffic import OTHER
from etappe.events.translation import lines, segment_context, segment_names, touches, values
from etappe.events.translation.drafts import Common, Draft, named, told
from etappe.events.translation.segment_messages import CALLS, MAX_MESSAGE_BYTES
from etappe.events.translation.translated import Translated, translated
from etappe.events.vocabulary import known_by_content
from etappe.values.reading import USUAL, Reading
from etappe.values.unreadable import Unreadable

_VIEWED: Final = ("product_id", "sku")
_ARRIVAL: Final = ("sentAt", "receivedAt")
_LONGEST_ID: Final = 200
_CONSENT: Final = "set_consent"


def translate(raw: bytes, now: datetime | None = None, reading: Reading = USUAL) -> Translated:
    """What one message says. One that names no time happened when it was received, else at `now`.

    Raises:
        InputError: it is no message at all.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise InputError(f"{len(raw)} bytes; a message may have {MAX_EVENT_BYTES}")
    message = values.decoded(raw)
    context = values.mapping(message.get("context"))
    common = _common(message, context, now, reading)
    time = common.fields["timestamp"] if isinstance(common.fields["timestamp"], datetime) else None
    drafts = _drafts(message, common)
    touches.put(drafts, segment_context.touched(context))
    for place, draft in enumerate(drafts):
        name = _event_id(message, draft.event, time, reading.nobody)
        draft.fields["event_id"] = name if len(drafts) == 1 else f"{name}#{place}"
    named(drafts, "s-")
    if verdicts := segment_context.consents(context):
        drafts.insert(0, _consent(common, f"{_event_id(message, _CONSENT, time, reading.nobody)}#consent", verdicts))
    return translated(drafts, raw, reading.nobody)


def happened(message: dict[str, Any]) -> datetime | None:
    """When a message happened, the error of the client's clock taken out: received - (sent - occurred).

    One with `originalTimestamp` beside `timestamp` has been corrected by Segment.

    Raises:
        Unreadable: a time of it is none.
    """
    stated, original = values.moment(message.get("timestamp")), values.moment(message.get("originalTimestamp"))
    received, sent = (values.moment(message.get(name)) for name in ("receivedAt", "sentAt"))
    occurred = stated or original
    if occurred is None or (stated and original):
        return occurred or received
    try:
        return received - (sent - occurred) if received and sent else occurred
    except OverflowError as error:
        raise Unreadable("too far from sentAt", occurred, field="timestamp") from error


def _common(message: dict[str, Any], context: dict[str, Any], now: datetime | None, reading: Reading) -> Common:
    time: datetime | Unreadable | None
    try:
        time = happened(message) or now
    except Unreadable as error:
        time = error
    place = segment_context.channel(message, context)
    fields = segment_context.who(message, reading.nobody) | {"timestamp": time, "channel": place}
    agent = context.get("userAgent")
    named = segment_context.identities(context, reading.nobody)
    return Common(fields, agent if isinstance(agent, str) else None, named, reading)


def _drafts(message: dict[str, Any], common: Common) -> list[Draft]:
    call = message.get("type")
    traits = values.mapping(message.get("traits"))
    if call == "track":
        return _track(message, common)
    if call in ("page", "screen"):
        return _page(message, common)
    if call == "identify":
        kept = {name: value for name, value in traits.items() if not name.startswith("$")}
        return told("identify", segment_context.with_groups(kept, common.reading.nobody), None, common, listed=True)
    if call == "group":
        group = {"group_id": _named(message.get("groupId"), common), "group": traits}
        return told(
            "set_traits", {name: value for name, value in group.items() if value is not None}, None, common, listed=True
        )
    if call == "alias":
        previous = {"previous_id": _named(message.get("previousId"), common)}
        return told("alias", {name: value for name, value in previous.items() if value}, None, common, listed=True)
    raise InputError(f"type is {call!r}; there are {', '.join(CALLS)}", field="type")


def _track(message: dict[str, Any], common: Common) -> list[Draft]:
    said = dict(values.mapping(message.get("properties")))
    name = message.get("event")
    products = lines.taken_out(said)
    event, listed = segment_names.of(name, said, products)
    if event == OTHER:
        said["event_name"] = name
    if event == "search" and "query" in said:
        said.setdefault("search_term", said.pop("query"))
    if channel := segment_names.channel(event, name):
        common.fields["channel"] = channel
    made = told(event, said, products, common, listed=listed)
    return made + (_rating(said, common) if event == "review" else [])


def _rating(said: dict[str, Any], common: Common) -> list[Draft]:
    """The stars that a review gives, where they are some that a rating may have."""
    stars = values.number(said.get("rating"))
    low, high = RATINGS
    if stars is None or not low <= stars <= high:
        return []
    product = {name: said[name] for name in ("product_id", "item_id", "sku") if name in said}
    return told("rate", product | {"rating": stars}, None, Common(common.fields, common.agent, reading=common.reading))


def _page(message: dict[str, Any], common: Common) -> list[Draft]:
    """A page of a product is a view of it, and was one before there were views of pages."""
    said = dict(values.mapping(message.get("properties")))
    if any(_named(said.get(name), common) for name in _VIEWED):
        return told("view_item", said, None, common)
    named = {name: message[name] for name in ("name", "category") if message.get(name)}
    return told("page_view", named | said, None, common, listed=True)


def _consent(common: Common, event_id: str, verdicts: dict[str, Any]) -> Draft:
    return Draft(_CONSENT, common.fields | {"event_id": event_id, "properties": verdicts})


def _named(value: object, common: Common) -> str | None:
    """An id; None where it is nobody's, or none."""
    found = values.ident(value, common.reading.nobody)
    return found if isinstance(found, str) else None


def _event_id(message: dict[str, Any], event: str, time: datetime | None, nobody: frozenset[str]) -> str:
    """The message's own id, else one made of what it says, and of the minute where it names no time.

    Of what decides, one made of the moment it was received too: it is no repeat because it says the same.
    """
    given = values.ident(message.get("messageId"), nobody)
    if isinstance(given, str):
        return given if len(given) <= _LONGEST_ID else "s-" + values.digest(given)
    said = {name: value for name, value in message.items() if name not in _ARRIVAL}
    dated = message.get("timestamp") or message.get("originalTimestamp")
    if not known_by_content(event, timed=bool(dated)):
        return "s-" + values.digest(msgspec.json.encode(said), str(message.get("receivedAt")))
    minute = "" if dated or time is None else time.replace(second=0, microsecond=0).isoformat()
    return "s-" + values.digest(msgspec.json.encode(said), minute)
