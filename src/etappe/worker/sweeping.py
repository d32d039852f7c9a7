"""The slow sweep: who has not been there for long leaves Redis, some hundred keys a round. The log still has them.

No record has a time to live: that costs memory with every key and a command with every event. Instead each says on
which day something last came in. A pass through all keys goes on where the last round left it, whichever worker that
was, and the next one begins an hour after it.

A customer's aliases leave with them, and before them: an alias whose customer is gone would lead nowhere. Whoever comes
in between stays: nothing is taken away whose header has changed since it was read.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from etappe.customers.folding import ring
from etappe.ids import Subject, partition_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.identities import graph
from etappe.store.records import envelope
from etappe.store.records.roots import place_of
from etappe.store.server.connection import SyncRedis, run_script

AT_ONCE: Final = 500
"""Keys that are looked at in a round."""
PAUSE_SECONDS: Final = 3600
"""Between the end of one pass and the beginning of the next."""
SEEN_DAYS: Final = ring.DAYS
"""How long it is known of somebody who is no customer, an order that names nobody, what events came in."""
QUIET_DAYS: Final = 1
"""After so many days without an event what is left of a session is folded, however short it is."""
AGING_DAYS: Final = range(QUIET_DAYS + ring.DAYS + 2, QUIET_DAYS + ring.DAYS + 4)
"""Days without an event on which a base is looked at once more: the hashes that the last fold took in leave by then."""
_START_BYTES: Final = 64
"""Of a value: its header, and of an alias whose it is."""


def sweep(client: SyncRedis, settings: Settings, now: Callable[[], float] = time.time) -> int:
    """Looks at the next keys; returns how many subjects left."""
    told: Any = client.get(keys.SWEEP)
    cursor, _, until = (told or b"0:0").partition(b":")
    if int(cursor) == 0 and now() < float(until):
        return 0
    reply: Any = client.scan(int(cursor), count=AT_ONCE)
    following, names = reply
    gone = _Pass(client, settings.store.customer_days, envelope.day_of(now())).see(names)
    pause = 0 if following else PAUSE_SECONDS
    client.set(keys.SWEEP, f"{following}:{int(now()) + pause}")
    return gone


class _Pass:
    """What is done with some keys."""

    def __init__(self, client: SyncRedis, customer_days: int, today: int) -> None:
        self._client = client
        self._days = customer_days
        self._today = today

    def see(self, names: list[bytes]) -> int:
        records = [one for name in names if (one := keys.subject_in(name, "c")) is not None]
        lone = [one for name in names if (one := keys.subject_in(name, "members")) is not None]
        gone = sum(self._see(subject, start) for subject, start in self._starts(records) if start)
        for customer, start in self._starts(lone):
            if not start and not any(there for _, there in self._starts(self._members(customer))):
                self._client.delete(keys.members(customer))
        return gone

    def _starts(self, subjects: list[Subject]) -> list[tuple[Subject, bytes]]:
        pipe = self._client.pipeline(transaction=False)
        for subject in subjects:
            pipe.getrange(keys.record(subject), 0, _START_BYTES - 1)
        return list(zip(subjects, pipe.execute(), strict=True))

    def _members(self, customer: Subject) -> list[Subject]:
        return [one for one in graph.groups(self._client, [customer])[customer] if one != customer]

    def _see(self, subject: Subject, start: bytes) -> bool:
        """Whether a subject left."""
        idle = self._today - envelope.used_of(start)
        if envelope.is_alias(start):
            return idle > self._days and self._leads_nowhere(start) and self._take(subject, start)
        if idle > (self._days if envelope.is_known(start) else SEEN_DAYS):
            return self._leave(subject, start)
        if idle in AGING_DAYS or (idle > QUIET_DAYS and envelope.is_hot(start)):
            self._client.sadd(keys.long_tails(partition_of(subject)), subject)
        return False

    def _leads_nowhere(self, start: bytes) -> bool:
        """Whether the customer of an alias has no record, or one that leaves."""
        root = place_of(envelope.graph_of(start)).root
        there = self._starts([root])[0][1] if root else b""
        return not there or self._today - envelope.used_of(there) > self._days

    def _leave(self, customer: Subject, start: bytes) -> bool:
        for alias, there in self._starts(self._members(customer)):
            mine = place_of(envelope.graph_of(there)).root == customer
            if there and mine and not self._take(alias, there):
                return False  # something came in of it: the customer stays
        return self._take(customer, start)

    def _take(self, subject: Subject, start: bytes) -> bool:
        partition = partition_of(subject)
        names = [keys.record(subject), keys.long_tails(partition), keys.dirty(partition), keys.members(subject)]
        return bool(run_script(self._client, scripts.SWEEP, names, [start[: envelope.HEADER_BYTES], subject]))
