"""Accepting events: into stream and records by one script call for each partition, durable when answered.

Events of concurrent requests go together: what comes in while a call is under way goes with the next one. Each request
is told what became of its own events, and fails only where one of its own could not be taken.

Events go to the record of the customer that their subject belongs to. Which that is, is remembered between batches and
checked by the script; where it is no longer so, the script refuses the event and it is sent again to where it belongs.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from etappe import faults
from etappe.errors import StoreError, StoreUnavailableError
from etappe.events import identities
from etappe.events.intake import Accepted
from etappe.events.vocabulary import Event
from etappe.ids import SUBJECT_BYTES, Partition, Subject, partition_of, subject_of, tombstone_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.ingesting.aliases import Aliases
from etappe.store.ingesting.calls import Call, Sent, Told, settings_now
from etappe.store.ingesting.outcomes import NEVER, Outcome, Request, Waiting
from etappe.store.place.marks import Standing
from etappe.store.records import envelope
from etappe.store.records.roots import HEAD_BYTES, place_of
from etappe.store.server import memory
from etappe.store.wire import Command, Wire, ask_scripts
from etappe.units import MIB

__all__ = ["Aliases", "Ingest", "Outcome", "ingest", "subject_for"]

AT_ONCE: Final = 4_000
"""Events under way at one time."""
LOOKED_PAST: Final = 20_000
"""Events whose calls are full and that others may overtake: one customer's flood keeps nobody else waiting."""
WAITING_BYTES: Final = 64 * MIB
"""What the events that wait may take; more are refused until there is room."""
_TRIES: Final = 200
_PAUSE_SECONDS: Final = 0.01
_MOVED: Final = -1
_OUTCOMES: Final = {one.value: one for one in (Outcome.ACCEPTED, Outcome.DUPLICATE)}
"""What the script answers otherwise; asking the enumeration for its member takes ten times as long."""
_ALIAS_BYTES: Final = envelope.HEADER_BYTES + HEAD_BYTES + SUBJECT_BYTES
"""What of a record says whose alias it is."""
_AGAIN: Final = "send the same batch again"


def subject_for(secret: bytes, event: Event) -> tuple[Subject, bool]:
    """Whose event this is, and whether that is a customer: a sale to nobody known belongs to its order."""
    if event.user_id:  # the surest there is
        return subject_of(secret, identities.USER, event.user_id), True
    whose = identities.first_named(event)
    if whose is not None:
        return subject_of(secret, whose.kind, whose.value), True
    return subject_of(secret, "order_id", event.order_id or ""), False


class Ingest:
    """What one serving process sends of events. All its requests share one queue and what is known of aliases."""

    def __init__(
        self,
        wire: Wire,
        secret: bytes,
        settings: Settings,
        aliases: Aliases | None = None,
        standing: Standing | None = None,
    ) -> None:
        self._wire = wire
        self._secret = secret
        self._settings = settings
        self._aliases = aliases or Aliases()
        self._standing = standing
        self._queue: deque[Waiting] = deque()
        self._held = 0
        self._sending: asyncio.Task[None] | None = None
        self._moving: set[asyncio.Task[None]] = set()

    async def take(self, events: Sequence[Accepted]) -> list[Outcome]:
        """What became of each event. When this returns, the accepted ones are durable.

        Raises:
            GenerationError: the mark of a partition does not stand; nothing is taken there.
            StoreUnavailableError: Redis did not answer, or too much waits for it; what of the batch it took is
                recognised when the batch is repeated.
            StoreFullError: Redis has come to its maxmemory.
            StoreError: Redis refuses to write (read-only).
        """
        if not events:
            return []
        if self._held > WAITING_BYTES:
            raise StoreUnavailableError(f"more events come in than Redis takes just now; {_AGAIN} in a moment")
        request = Request(len(events))
        for place, accepted in enumerate(events):
            subject, is_customer = subject_for(self._secret, accepted.event)
            waiting = Waiting(request, place, subject, Told(accepted, subject, is_customer=is_customer))
            self._held += waiting.told.size
            self._queue.append(waiting)
        self._begin()
        return await request.done

    def _begin(self) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        """Sends what waits until nothing does. It begins a tick after the first event, so that others come with it."""
        try:
            while self._queue:
                await self._send_some(self._calls())
        finally:
            self._sending = None

    async def _send_some(self, calls: dict[Partition, Call]) -> None:
        try:
            replies = await self._replies(calls)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            self._fail((sent for call in calls.values() for sent in _events(call)), error)
            return
        moved: list[Waiting] = []
        for (partition, call), reply in zip(calls.items(), replies, strict=True):
            try:
                moved += self._settled(call, self._statuses(partition, reply))
            except StoreError as error:
                self._fail(_events(call), error)
        if moved:
            task = asyncio.get_running_loop().create_task(self._move(moved))
            self._moving.add(task)
            task.add_done_callback(self._moving.discard)

    def _calls(self) -> dict[Partition, Call]:
        """Calls for what waits longest. An event whose call is full waits on, and so do those behind it there."""
        calls: dict[Partition, Call] = {}
        left: list[Waiting] = []
        queue, aliases, taken = self._queue, self._aliases, 0
        while queue and taken < AT_ONCE and len(left) < LOOKED_PAST:
            waiting = queue.popleft()
            subject = waiting.subject
            if waiting.request.done.done():  # failed, or nobody waits for it any more
                self._held -= waiting.told.size
                continue
            if waiting.told.microseconds <= 1000 * max(waiting.gone, aliases.gone(subject)):
                self._held -= waiting.told.size
                waiting.settle(Outcome.ERASED)
                continue
            customer = aliases.root(subject)
            partition = partition_of(customer)
            call = calls.get(partition)
            if call is None:
                call = calls[partition] = Call()
            if call.full:
                left.append(waiting)
            else:
                call.add(customer, waiting)
                taken += 1
        self._queue.extendleft(reversed(left))
        return calls

    async def _replies(self, calls: dict[Partition, Call]) -> list[Any]:
        settings = settings_now(self._settings)
        asked = [self._asked_of(partition, call, settings) for partition, call in calls.items()]
        faults.point("ingest.before_write")
        try:
            replies = await ask_scripts(self._wire, scripts.INGEST, asked)
        except StoreUnavailableError as error:
            raise StoreUnavailableError(f"{error}; {_AGAIN}") from error
        faults.point("ingest.after_write")
        return replies

    def _asked_of(self, partition: Partition, call: Call, settings: bytes) -> tuple[list[str], list[Any]]:
        least = self._standing.expected(keys.mark(partition)) if self._standing else ""
        return call.names(partition), call.arguments(least, settings)

    def _statuses(self, partition: Partition, reply: Any) -> list[int]:
        """What became of the events of a partition, whose mark is checked."""
        if isinstance(reply, Exception):
            raise memory.refusal(reply, "the events") from reply
        statuses, mark = ([], reply) if isinstance(reply, bytes) else (reply[:-1], reply[-1])
        if self._standing is not None:
            self._standing.check(keys.mark(partition), mark)
        return list(statuses)

    def _settled(self, call: Call, statuses: list[int]) -> list[Waiting]:
        """Notes what became of events; those that belong elsewhere."""
        moved: list[Waiting] = []
        for waiting, status in zip(_events(call), statuses, strict=True):
            if status == _MOVED:
                waiting.tries += 1
                moved.append(waiting)
            else:
                self._held -= waiting.told.size
                waiting.settle(_OUTCOMES[status])
        return moved

    async def _move(self, moved: list[Waiting]) -> None:
        """Has events sent to where they belong: at once, or a moment later while identities are being changed."""
        lost = [waiting for waiting in moved if waiting.tries >= _TRIES]
        self._fail(lost, StoreUnavailableError(f"identities are being changed; {_AGAIN}"))
        left = [waiting for waiting in moved if waiting.tries < _TRIES]
        try:
            new = not left or await self._resolve(left)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            self._fail(left, error)
            return
        if not new:
            await asyncio.sleep(_PAUSE_SECONDS)
        self._queue.extendleft(reversed(left))
        self._begin()

    async def _resolve(self, moved: Sequence[Waiting]) -> bool:
        """Asks the graph whose the subjects are, and when they were erased; whether it says anything new.

        When anybody was last erased is asked first: the script takes no event on what was asked before the last time.
        """
        subjects = list(dict.fromkeys(event.subject for event in moved))
        partitions = list({partition_of(self._aliases.root(subject)) for subject in subjects})
        commands: list[Command] = [("GET", keys.erased(partition)) for partition in partitions]
        for subject in subjects:
            commands.append(("GETRANGE", keys.record(subject), 0, _ALIAS_BYTES - 1))
            commands.append(("GET", keys.gone(subject, tombstone_of(self._secret, subject))))
        values = await self._asked(commands)
        as_of = {one: _time(value) for one, value in zip(partitions, values, strict=False)}
        told = values[len(partitions) :]
        gone_since = {subject: _time(gone) for subject, gone in zip(subjects, told[1::2], strict=True)}
        new = False
        for subject, value in zip(subjects, told[::2], strict=True):
            root = place_of(envelope.graph_of(value)).root or subject
            new = new or self._aliases.root(subject) != root
            self._aliases.heard(subject, root, gone_since[subject])
        for event in moved:
            before, event.as_of = event.as_of, as_of.get(partition_of(self._aliases.root(event.subject)))
            new = new or before != event.as_of
            event.gone = gone_since[event.subject]
        return new

    async def _asked(self, commands: list[Command]) -> list[Any]:
        try:
            values = await self._wire.ask(commands)
        except StoreUnavailableError as error:
            raise StoreUnavailableError(f"{error}; {_AGAIN}") from error
        if (failed := next((value for value in values if isinstance(value, Exception)), None)) is not None:
            raise memory.refusal(failed, "the events") from failed
        return values

    def _fail(self, some: Iterable[Sent], error: Exception) -> None:
        for waiting in some:
            if isinstance(waiting, Waiting):
                self._held -= waiting.told.size
                waiting.request.fail(error)


async def ingest(
    wire: Wire,
    secret: bytes,
    events: Sequence[Accepted],
    settings: Settings,
    aliases: Aliases | None = None,
    standing: Standing | None = None,
) -> list[Outcome]:
    """What became of each event of one batch that shares its way with no other; see `Ingest.take`."""
    return await Ingest(wire, secret, settings, aliases, standing).take(events)


def _events(call: Call) -> list[Waiting]:
    return [sent for sent in call.events() if isinstance(sent, Waiting)]


def _time(value: bytes | None) -> int:
    """A time as it is kept (Unix ms), -1 for none."""
    return NEVER if value is None else int(value)
