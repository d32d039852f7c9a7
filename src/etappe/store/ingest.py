"""Accepting events: into stream and tails by one script for each partition, durable when answered.

Events go to the record of the customer that their subject belongs to. Which that is, is remembered between batches and
checked by the script; where it is no longer so, the script refuses the event and it is sent again to where it belongs.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError

from etappe import faults
from etappe.customers import records
from etappe.errors import StoreUnavailableError
from etappe.events import identities, traffic
from etappe.events.intake import Accepted, completed, nobodys
from etappe.events.vocabulary import CODES, Event
from etappe.ids import Partition, Subject, partition_of, subject_of, tombstone_of
from etappe.settings import Settings
from etappe.store import keys, memory, scripts
from etappe.store.connection import AsyncRedis
from etappe.store.identities.roots import place_of
from etappe.store.marks import Standing

_TRIES: Final = 200
_PAUSE_SECONDS: Final = 0.01
_REMEMBERED: Final = 100_000
_CARRYING: Final = bytes(sorted(records.CARRIES_BLOCKS))


class Outcome(IntEnum):
    """What became of an event."""

    ACCEPTED = 1
    DUPLICATE = 0
    ERASED = -2


_MOVED: Final = -1
_NEVER: Final = -1


class Aliases:
    """Which customer a subject belongs to, as far as this process has heard; never trusted unchecked."""

    def __init__(self) -> None:
        self._roots: OrderedDict[Subject, tuple[Subject, int]] = OrderedDict()

    def root(self, subject: Subject) -> Subject:
        """The customer of a subject; itself where nothing else was heard."""
        return self._roots.get(subject, (subject, _NEVER))[0]

    def gone(self, subject: Subject) -> int:
        """When an alias was erased in an earlier life (Unix ms), -1 for never; a root's own time the script knows."""
        return self._roots.get(subject, (subject, _NEVER))[1]

    def heard(self, subject: Subject, root: Subject, gone: int) -> None:
        """Keeps in mind whose a subject is, and when it was erased before."""
        self._roots.pop(subject, None)
        if root != subject:
            self._roots[subject] = root, gone
        if len(self._roots) > _REMEMBERED:
            self._roots.popitem(last=False)


def subject_for(secret: bytes, event: Event) -> tuple[Subject, bool]:
    """Whose event this is, and whether that is a customer: a sale to nobody known belongs to its order."""
    found = identities.named(event)
    if found:
        return subject_of(secret, found[0].kind, found[0].value), True
    return subject_of(secret, "order_id", event.order_id or ""), False


async def ingest(
    client: AsyncRedis,
    secret: bytes,
    events: Sequence[Accepted],
    settings: Settings,
    aliases: Aliases | None = None,
    standing: Standing | None = None,
) -> list[Outcome]:
    """What became of each event. When this returns, the accepted ones are durable.

    Raises:
        GenerationError: the mark of a partition does not stand; nothing is taken there.
        StoreUnavailableError: Redis did not answer; what of the batch it took is recognised when the batch is repeated.
        StoreFullError: Redis has come to its maxmemory.
        StoreError: Redis refuses to write (read-only).
    """
    known = aliases or Aliases()
    waiting = [_Waiting(place, *subject_for(secret, one.event), one) for place, one in enumerate(events)]
    outcomes = [Outcome.DUPLICATE] * len(events)
    for _ in range(_TRIES):
        moved = await _take(client, secret, waiting, settings, known, outcomes, standing)
        if not moved:
            return outcomes
        waiting = moved
        if not await _resolve(client, secret, moved, known, settings):
            await asyncio.sleep(_PAUSE_SECONDS)
    raise StoreUnavailableError("identities are being changed; send the same batch again")


class _Waiting:
    """An event on its way to a customer's record."""

    def __init__(self, place: int, subject: Subject, is_customer: bool, accepted: Accepted) -> None:
        self.place = place
        self.subject = subject
        self.is_customer = is_customer
        self.accepted = accepted
        self.checked = False

    def milliseconds(self) -> int:
        """When it happened (Unix ms)."""
        return int(self.accepted.time.timestamp() * 1000)

    def arguments(self, customer: int) -> list[Any]:
        """What the script gets of it: few arguments, as each costs as much as hashing an id.

        `customer` is the place of the customer it belongs to, from 1.
        """
        event, time = self.accepted.event, self.accepted.time
        nobody = self.accepted.private or not self.is_customer
        counts = not nobody and traffic.counts_for_rate(event)
        minute = f"{max(0, int(time.timestamp())) // 60}{'' if self.accepted.proven else 'u'}" if counts else ""
        kind = "n" if nobody else "c" if self.checked else "t"
        head = f"{kind}{customer}:{minute}".encode()
        record = records.encode(event, self.accepted.event_id, time)
        flag = self.accepted.flag or traffic.flag_of(event) or b""
        told = nobodys(self.accepted) if self.accepted.private else self.accepted
        return [self.subject + head, record, completed(told), flag, told.raw or b""]


class _Call:
    """The arguments of one partition's script."""

    def __init__(self, secret: bytes) -> None:
        self.events: list[_Waiting] = []
        self._secret = secret
        self._customers: dict[Subject, int] = {}
        self._arguments: list[Any] = []

    def add(self, customer: Subject, event: _Waiting) -> None:
        place = self._customers.setdefault(customer, len(self._customers) + 1)
        self._arguments += event.arguments(place)
        self.events.append(event)

    def command(
        self, partition: Partition, settings: Settings, standing: Standing | None
    ) -> tuple[list[str], list[Any]]:
        names = [keys.stream(partition), keys.long_tails(partition)]
        for customer in self._customers:
            names += keys.of_customer(customer, self._secret)
        names.append(keys.mark(partition))
        least = standing.expected(keys.mark(partition)) if standing else ""
        head = [
            settings.store.tail_limit * records.WIDTH,
            settings.store.customer_seconds,
            "1" if settings.consent.unknown == "deny" else "0",
            settings.traffic.events_per_minute,
            CODES["set_consent"],
            _CARRYING,
            len(self._customers),
        ]
        return names, [*head, *self._customers, *self._arguments, least]


async def _take(
    client: AsyncRedis,
    secret: bytes,
    waiting: Sequence[_Waiting],
    settings: Settings,
    aliases: Aliases,
    outcomes: list[Outcome],
    standing: Standing | None,
) -> list[_Waiting]:
    """Sends events to where they belong and notes what became of them; returns those that belong elsewhere."""
    calls: dict[Partition, _Call] = defaultdict(lambda: _Call(secret))
    for event in waiting:
        if event.milliseconds() <= aliases.gone(event.subject):
            outcomes[event.place] = Outcome.ERASED
            continue
        customer = aliases.root(event.subject)
        calls[partition_of(customer)].add(customer, event)
    moved: list[_Waiting] = []
    for call, statuses in await _run(client, list(calls.items()), settings, standing):
        for event, status in zip(call.events, statuses, strict=True):
            if status == _MOVED:
                event.checked = True
                moved.append(event)
            else:
                outcomes[event.place] = Outcome(status)
    return sorted(moved, key=lambda event: event.place)


async def _resolve(
    client: AsyncRedis, secret: bytes, moved: Sequence[_Waiting], aliases: Aliases, settings: Settings
) -> bool:
    """Asks the graph whose the subjects are; whether it says anything new. Links in use do not lapse."""
    subjects = list(dict.fromkeys(event.subject for event in moved))
    try:
        async with client.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.getex(keys.graph(subject), ex=settings.store.customer_seconds)
                pipe.get(keys.gone(subject, tombstone_of(secret, subject)))
            values = await pipe.execute()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}; send the same batch again") from error
    new = False
    for subject, value, gone in zip(subjects, values[::2], values[1::2], strict=True):
        root = place_of(value).root or subject
        new = new or aliases.root(subject) != root
        aliases.heard(subject, root, int(gone or _NEVER))
    return new


async def _run(
    client: AsyncRedis, calls: list[tuple[Partition, _Call]], settings: Settings, standing: Standing | None
) -> list[tuple[_Call, list[int]]]:
    try:
        replies = await _send(client, calls, settings, standing)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            await _load(client)
            unknown = [call for call, reply in zip(calls, replies, strict=True) if isinstance(reply, NoScriptError)]
            again = dict(
                zip((call for _, call in unknown), await _send(client, unknown, settings, standing), strict=True)
            )
            replies = [again.get(call, reply) for (_, call), reply in zip(calls, replies, strict=True)]
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}; send the same batch again") from error
    failed = next((reply for reply in replies if isinstance(reply, Exception)), None)
    if failed is not None:
        raise memory.refusal(failed, "the events") from failed
    return [
        (call, _statuses(partition, reply, standing)) for (partition, call), reply in zip(calls, replies, strict=True)
    ]


def _statuses(partition: Partition, reply: Any, standing: Standing | None) -> list[int]:
    """What became of the events of a partition, whose mark is checked."""
    statuses, mark = ([], reply) if isinstance(reply, bytes) else (reply[:-1], reply[-1])
    if standing is not None:
        standing.check(keys.mark(partition), mark)
    return list(statuses)


async def _load(client: AsyncRedis) -> None:
    """Loads the script, which some versions of Redis refuse when they are full."""
    try:
        await client.script_load(scripts.INGEST.text)
    except redis.ResponseError as error:
        raise memory.refusal(error, "the events") from error


async def _send(
    client: AsyncRedis, calls: list[tuple[Partition, _Call]], settings: Settings, standing: Standing | None
) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for partition, call in calls:
            names, arguments = call.command(partition, settings, standing)
            pipe.evalsha(scripts.INGEST.digest, len(names), *names, *arguments)
        faults.point("ingest.before_write")
        replies = list(await pipe.execute(raise_on_error=False))
        faults.point("ingest.after_write")
        return replies
