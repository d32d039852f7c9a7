"""Customers whom this process has seen lately: what they must not be shown, where Redis cannot be asked.

It only ever holds items back from a stranger's answer; nothing is shown because of it. It is dropped when consent is
changed or a customer erased through this process, and after some minutes where that went through another.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

import msgspec

from etappe.customers import records
from etappe.customers.forbidding import only_forbidding
from etappe.customers.state import State
from etappe.errors import DataError
from etappe.events.intake import Accepted
from etappe.events.vocabulary import Ignore, Purchase, SetConsent
from etappe.ids import Subject
from etappe.serving.decide import state_of
from etappe.settings import Settings
from etappe.store.ingesting.ingest import subject_for
from etappe.store.records.customers import CustomerRecord
from etappe.units import MIB

KEPT_SECONDS: Final = 300.0
"""After a customer was last seen. An outage that lasts longer than a visit's pause is one that operators see to."""
MOST_BYTES: Final = 16 * MIB
"""Some 4,000 customers; those seen last."""
_OWN_BYTES: Final = 300
"""What an entry takes beside its record."""
Key = tuple[Subject, bool]
"""Who was asked about, and whether by a browser that proved nothing, which has a record of its own."""


class _Seen(msgspec.Struct, frozen=True):
    """The record as it was last read, with what was heard since, until it lapses."""

    base: bytes
    tail: bytes
    until: float

    @property
    def size(self) -> int:
        return len(self.base) + len(self.tail) + _OWN_BYTES


class Lately:
    """A bounded memory of records."""

    def __init__(
        self, settings: Settings, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._most = most_bytes
        self._clock = clock
        self._held = 0
        self._seen: OrderedDict[Key, _Seen] = OrderedDict()

    def __len__(self) -> int:
        """How many customers there are."""
        return len(self._seen)

    def saw(self, key: Key, record: CustomerRecord, *, personal: bool) -> None:
        """Notes a customer's record as it was read; one that may not be used (`personal`) is forgotten instead."""
        if personal:
            self._put(key, record.base, record.tail)
        else:
            self.forget(key[0])

    def heard(self, secret: bytes, events: Iterable[Accepted]) -> None:
        """Notes what accepted events forbid to those whose they are, and who says something of consent."""
        for accepted in events:
            if isinstance(accepted.event, SetConsent):
                self.forget(subject_for(secret, accepted.event)[0])
            elif isinstance(accepted.event, (Ignore, Purchase)) and accepted.flag is None and not accepted.private:
                subject = subject_for(secret, accepted.event)[0]
                told = records.encode(accepted.event, accepted.event_id, accepted.time)
                for key in _keys(subject):
                    known = self._seen.get(key)
                    self._put(key, known.base if known else b"", (known.tail if known else b"") + told)

    def forget(self, subject: Subject) -> None:
        """Drops a customer."""
        for key in _keys(subject):
            self._drop(self._seen.pop(key, None))

    def forbidding(self, keys: Iterable[Key], channel: str) -> State | None:
        """What the first of `keys` that was seen lately must not be shown, as a state that says nothing else."""
        for key in keys:
            seen = self._seen.get(key)
            if seen is not None and self._clock() < seen.until:
                with suppress(DataError):
                    state = state_of(seen.base, seen.tail, self._settings, channel)
                    return None if state is None else only_forbidding(state)
        return None

    def _put(self, key: Key, base: bytes, tail: bytes) -> None:
        self._drop(self._seen.pop(key, None))
        seen = _Seen(base, tail, self._clock() + KEPT_SECONDS)
        self._seen[key] = seen
        self._held += seen.size
        while self._held > self._most and self._seen:
            self._drop(self._seen.popitem(last=False)[1])

    def _drop(self, seen: _Seen | None) -> None:
        if seen is not None:
            self._held -= seen.size


def _keys(subject: Subject) -> tuple[Key, Key]:
    return (subject, False), (subject, True)
