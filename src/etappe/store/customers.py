"""Customers' records in Redis: read with one command, replaced by compare-and-set."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import redis

from etappe.errors import StoreUnavailableError
from etappe.ids import PARTITIONS, Partition, Subject, partition_of
from etappe.store import keys, scripts
from etappe.store.connection import AsyncRedis, SyncRedis, run_script


class CustomerRecord(msgspec.Struct, frozen=True):
    """A customer as stored: packed base, tail, and the answer already given to a request_id."""

    subject: Subject
    base: bytes = b""
    tail: bytes = b""
    answer: bytes = b""

    @property
    def found(self) -> bool:
        """Whether Redis knows this customer."""
        return bool(self.base or self.tail)


async def read(client: AsyncRedis, subjects: Sequence[Subject], request_id: str | None = None) -> list[CustomerRecord]:
    """The records of `subjects`, in one round trip: one MGET each (a customer's keys share a slot), sent together.

    Raises:
        StoreUnavailableError: Redis did not answer.
    """
    try:
        if len(subjects) == 1:
            return [_record(subjects[0], await client.mget(_names(subjects[0], request_id)))]
        async with client.pipeline(transaction=False) as pipe:
            for subject in subjects:
                pipe.mget(_names(subject, request_id))
            replies = await pipe.execute()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}") from error
    return [_record(subject, reply) for subject, reply in zip(subjects, replies, strict=True)]


def read_blocking(client: SyncRedis, subjects: Sequence[Subject]) -> list[CustomerRecord]:
    """As `read`, for the worker."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.mget(_names(subject, None))
    return [_record(subject, reply) for subject, reply in zip(subjects, pipe.execute(), strict=True)]


class Replacement(msgspec.Struct, frozen=True):
    """A new base for a customer whose record was `read`; `kept` are the records of the read tail that stay in it."""

    read: CustomerRecord
    base: bytes
    kept: bytes = b""


def replace(client: SyncRedis, replacements: Iterable[Replacement], ttl_seconds: int) -> list[Subject]:
    """Puts new bases in place; returns the customers whose base had changed meanwhile, to be tried again."""
    wanted = list(replacements)
    if not wanted:
        return []
    pipe = client.pipeline(transaction=False)
    for one in wanted:
        pipe.evalsha(scripts.REPLACE.digest, 3, *_replace_arguments(one, ttl_seconds))
    replies = pipe.execute(raise_on_error=False)
    refused: list[Subject] = []
    for one, reply in zip(wanted, replies, strict=True):
        done = reply if isinstance(reply, int) else _again(client, one, ttl_seconds, reply)
        if not done:
            refused.append(one.read.subject)
    return refused


def waiting(client: SyncRedis) -> list[Subject]:
    """Customers whose tail is long enough to be folded."""
    pipe = client.pipeline(transaction=False)
    for partition in range(PARTITIONS):
        pipe.smembers(keys.long_tails(Partition(partition)))
    return [Subject(subject) for members in pipe.execute() for subject in members]


def forget_waiting(client: SyncRedis, subjects: Iterable[Subject]) -> None:
    """Takes customers whose tail is gone, with their record, off those that wait to be folded."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.srem(keys.long_tails(partition_of(subject)), subject)
    pipe.execute()


def _replace_arguments(one: Replacement, ttl_seconds: int) -> list[Any]:
    subject = one.read.subject
    names = [keys.base(subject), keys.tail(subject), keys.long_tails(partition_of(subject))]
    return [*names, one.read.base[4:8], len(one.read.tail), one.base, one.kept, ttl_seconds, subject]


def _again(client: SyncRedis, one: Replacement, ttl_seconds: int, error: Exception) -> int:
    if not isinstance(error, redis.exceptions.NoScriptError):
        raise error
    arguments = _replace_arguments(one, ttl_seconds)
    return int(run_script(client, scripts.REPLACE, arguments[:3], arguments[3:]))


def _names(subject: Subject, request_id: str | None) -> list[str]:
    names = [keys.base(subject), keys.tail(subject)]
    return [*names, keys.answer(subject, request_id)] if request_id else names


def _record(subject: Subject, values: Sequence[Any]) -> CustomerRecord:
    return CustomerRecord(subject, *(value or b"" for value in values))
