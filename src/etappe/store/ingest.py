"""Accepting events: into stream and tails by one script for each partition, durable when answered."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import NoScriptError

from etappe.customers import records
from etappe.errors import StoreError, StoreUnavailableError
from etappe.events.intake import Accepted, completed
from etappe.events.vocabulary import Event
from etappe.ids import Partition, Subject, event_hash, partition_of, subject_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.connection import AsyncRedis

SECONDS_PER_DAY = 86_400


def subject_for(secret: bytes, event: Event) -> tuple[Subject, bool]:
    """Whose event this is, and whether that is a customer: a sale to nobody known belongs to its order."""
    if event.user_id:
        return subject_of(secret, "user_id", event.user_id), True
    if event.anonymous_id:
        return subject_of(secret, "anonymous_id", event.anonymous_id), True
    return subject_of(secret, "order_id", event.order_id or ""), False


async def ingest(client: AsyncRedis, secret: bytes, events: Sequence[Accepted], settings: Settings) -> list[bool]:
    """Whether each event was new (True) or a duplicate. When this returns, the new ones are durable.

    Raises:
        StoreUnavailableError: Redis did not answer; what of the batch it took is recognised when the batch is repeated.
        StoreError: Redis refuses to write (out of memory, read-only).
    """
    batches: dict[Partition, _Call] = defaultdict(lambda: _Call(settings))
    for place, accepted in enumerate(events):
        subject, is_customer = subject_for(secret, accepted.event)
        batches[partition_of(subject)].add(place, subject, accepted, is_customer=is_customer)
    answers = [False] * len(events)
    for call, statuses in await _run(client, list(batches.items())):
        for place, status in zip(call.places, statuses, strict=True):
            answers[place] = status == 1
    return answers


class _Call:
    """The arguments of one partition's script."""

    def __init__(self, settings: Settings) -> None:
        self.places: list[int] = []
        self._customers: dict[Subject, int] = {}
        self._arguments: list[Any] = [
            settings.store.tail_limit * records.WIDTH,
            settings.store.customer_days * SECONDS_PER_DAY,
        ]

    def add(self, place: int, subject: Subject, accepted: Accepted, *, is_customer: bool) -> None:
        customer = self._customers.setdefault(subject, len(self._customers) + 1) if is_customer else 0
        digest = event_hash(accepted.event_id).to_bytes(8, "little")
        record = records.encode(accepted.event, accepted.event_id, accepted.time)
        self._arguments += [customer, digest, record, subject if is_customer else b"", completed(accepted)]
        self.places.append(place)

    def command(self, partition: Partition) -> tuple[list[str], list[Any]]:
        names = [keys.stream(partition), keys.long_tails(partition)]
        for subject in self._customers:
            names += [keys.base(subject), keys.tail(subject)]
        return names, self._arguments


async def _run(client: AsyncRedis, calls: list[tuple[Partition, _Call]]) -> list[tuple[_Call, list[int]]]:
    try:
        replies = await _send(client, calls)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            await client.script_load(scripts.INGEST.text)
            unknown = [call for call, reply in zip(calls, replies, strict=True) if isinstance(reply, NoScriptError)]
            again = dict(zip((call for _, call in unknown), await _send(client, unknown), strict=True))
            replies = [again.get(call, reply) for (_, call), reply in zip(calls, replies, strict=True)]
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}; send the same batch again") from error
    failed = next((reply for reply in replies if isinstance(reply, Exception)), None)
    if failed is not None:
        raise StoreError(
            f"Redis refuses the events: {failed}; send the same batch again once that is mended"
        ) from failed
    return [(call, reply) for (_, call), reply in zip(calls, replies, strict=True)]


async def _send(client: AsyncRedis, calls: list[tuple[Partition, _Call]]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for partition, call in calls:
            names, arguments = call.command(partition)
            pipe.evalsha(scripts.INGEST.digest, len(names), *names, *arguments)
        return list(await pipe.execute(raise_on_error=False))
