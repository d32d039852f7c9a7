"""What the payloads of other systems become: native events, and the payload itself, from which they can be made again.

`segment.py` and `ga4.py` say what a payload means as drafts; here these become events, judged as native ones are.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from etappe.errors import InputError
from etappe.events import identities, intake
from etappe.events.intake import Accepted, Rejected
from etappe.events.translation.drafts import Draft
from etappe.events.translation.lines import Lost, lost
from etappe.events.vocabulary import TYPES, Event, SetConsent
from etappe.values.ids import NOBODY
from etappe.values.money import Money
from etappe.values.unreadable import Unreadable
from etappe.values.wording import plain

_NAME: Final = "event_name"


class Translated(msgspec.Struct, frozen=True):
    """What one payload says: its events, what of it makes no event and why, and the payload.

    `lost` is the money of each that was refused.
    """

    events: list[Event]
    refused: list[Rejected]
    raw: bytes
    lost: list[Lost] = []


def translated(drafts: Iterable[Draft], raw: bytes, nobody: frozenset[str] = NOBODY) -> Translated:
    """The events of `drafts`; one that makes none is refused alone."""
    done = Translated([], [], raw, [])
    for draft in drafts:
        try:
            done.events.append(_native(draft, nobody))
        except InputError as error:
            done.refused.append(Rejected(draft.index, str(error), error.field))
            done.lost.append(lost(draft.event, draft.fields, error))
    return done


def accepted(done: Translated, now: datetime, index: int = 0) -> tuple[list[Accepted], list[Rejected]]:
    """The events of the payload that came as number `index`, checked as native ones that arrived at `now`.

    The first of them has the payload; consent has it only where there is nothing else, as it may yet be refused. What
    is refused has that index too, or its own one in a payload that came alone.
    """
    good: list[Accepted] = []
    bad = [msgspec.structs.replace(one, index=index or one.index) for one in done.refused]
    for event in done.events:
        try:
            intake.check(event, now)
        except InputError as error:
            bad.append(Rejected(index, str(error), error.field))
        else:
            good.append(Accepted(index, event, event.event_id or "", event.timestamp or now))
    place = next((place for place, one in enumerate(good) if not isinstance(one.event, SetConsent)), 0)
    if good:
        good[place] = msgspec.structs.replace(good[place], raw=done.raw)
    return good, bad


def _native(draft: Draft, nobody: frozenset[str]) -> Event:
    """The event of a draft with its identities settled; InputError where it makes none."""
    kind = TYPES.get(draft.event)
    if kind is None:
        name = (draft.fields.get("properties") or {}).get(_NAME, draft.event)
        raise InputError(f"{name!r}: Etappe has no event for it; docs/events.md has those it has", field="event")
    given = {name: _typed(name, value) for name, value in draft.fields.items() if value is not None}
    try:
        event: Event = msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise _explained(error) from error
    return identities.settled(event, nobody)


def _typed(field: str, value: Any) -> Any:
    """A field as the event has it; the Unreadable that it holds is raised."""
    if isinstance(value, Unreadable):
        raise value.of(field)
    return float(value.amount) if isinstance(value, Money) else value


def _explained(error: msgspec.ValidationError) -> InputError:
    """The decoder's message with the field to mend."""
    message, _, place = str(error).partition(" - at `$")
    quoted: Any = message.split("`")[1] if message.startswith("Object missing") else None
    field = place.strip("`.") or quoted
    told = plain(message)
    return InputError(f"{field}: {told}" if field else told, field=field)
