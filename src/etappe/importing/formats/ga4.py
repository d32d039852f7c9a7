"""Rows of the BigQuery export of Google Analytics 4, one a line; bodies of the Measurement Protocol, too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.events.translation import ga4, values
from etappe.events.translation.translated import Translated
from etappe.events.vocabulary import Event, Identify, SetConsent, SetTraits
from etappe.importing.formats import payloads
from etappe.importing.formats.intake import Intake
from etappe.importing.formats.payloads import Row
from etappe.values.reading import Reading

_OF_CUSTOMER: Final = (Identify, SetConsent, SetTraits)


def read(path: Path, intake: Intake) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows. What every row says of its customer follows once, with the last time it was said.

    Raises:
        InputError: it is no file of JSON lines, or cannot be read.
    """
    said = _Said()
    yield from payloads.read(path, intake, said.apart)
    yield payloads.accepted(said.rows(), [], intake)


class _Said:
    """What rows say of customers: by event id, which is the same for the same thing said again."""

    def __init__(self) -> None:
        self._events: dict[str | None, Event] = {}

    def apart(self, line: bytes, reading: Reading) -> Iterator[Translated]:
        """What `line` says, without what it says of the customer, which is kept here."""
        done = ga4.translate(line, reading=reading)
        for event in done.events:
            if isinstance(event, _OF_CUSTOMER):
                self._keep(event)
        yield Translated(
            [one for one in done.events if not isinstance(one, _OF_CUSTOMER)], done.refused, done.raw, done.lost
        )

    def rows(self) -> list[Row]:
        """What was kept. Consent is told apart by its last time too: another file may say a day's word again."""
        return [payloads.row_of(0, _dated(event), None, "") for event in self._events.values()]

    def _keep(self, event: Event) -> None:
        before = self._events.get(event.event_id)
        if before is None or (event.timestamp and before.timestamp and before.timestamp < event.timestamp):
            self._events[event.event_id] = event


def _dated(event: Event) -> Event:
    """A day in UTC has rows in two of the export's files: denied, given, and denied again in the second is denied."""
    if not (isinstance(event, SetConsent) and event.timestamp):
        return event
    return msgspec.structs.replace(event, event_id=f"{event.event_id}@{values.micros(event.timestamp)}")
