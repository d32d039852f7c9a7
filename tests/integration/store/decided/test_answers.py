"""Kept answers: packed, the first one counts, and no number of requests takes more than a set number of bytes."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from etappe.ids import Subject
from etappe.settings import Place, Settings, Store
from etappe.store import keys
from etappe.store.decided import answers
from etappe.store.decided.answers import Kept, Nearby
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import Wire, open_wire

ME = Subject(bytes([7]) * 16)
SMALL = msgspec.structs.replace(Settings(), store=Store(answers_mib=16))


def _run(place: Place, scenario: Callable[[Wire], Awaitable[object]]) -> None:
    async def connected() -> None:
        async with open_wire(place) as client:
            await scenario(client)

    asyncio.run(connected())


def _customer(number: int) -> Subject:
    """One of many in the same partition."""
    return Subject(ME[:1] + number.to_bytes(15))


def _taken(client: SyncRedis) -> int:
    """What all kept answers take with their rings (bytes), as Redis counts."""
    return sum(client.memory_usage(name) or 0 for name in client.scan_iter("etappe:*:answer*"))


@pytest.mark.parametrize("personal", [False, True])
def test_packing(personal: bool) -> None:
    """An answer comes back as it was, with whether it was personal, and a list of items is far smaller packed."""
    kept = Kept(b'{"id": "22423", "title": "a teapot", "score": 0.5}' * 100, personal)
    assert kept == answers.unpacked(answers.packed(kept))
    assert 10 * len(answers.packed(kept)) < len(kept.answer)


@pytest.mark.parametrize("value", [b"", b'{"decision": "1"}', b"\x01no zlib", b"\x03" + b"x" * 9])
def test_unknown_packing(value: bytes) -> None:
    """What another version kept, or what is damaged, is no answer."""
    assert answers.unpacked(value) is None


def test_first_answer_counts(place: Place, client: SyncRedis, settings: Settings) -> None:
    """The answer that was kept first is what later ones get; it lapses, and so does the ring."""

    async def scenario(mine: Wire) -> None:
        assert [await answers.keep(mine, ME, "r", value, settings) for value in (b"1", b"2")] == [b"1", b"1"]
        assert await answers.keep(mine, ME, "other", b"3", settings) == b"3"

    _run(place, scenario)
    names = [keys.answer(ME, "r"), keys.answer(ME, "other"), keys.answers(keys.partition_of(ME))]
    assert all(0 < client.ttl(name) <= settings.store.answer_seconds for name in names)  # type: ignore[operator]


def test_bytes_are_bounded(place: Place, client: SyncRedis) -> None:
    """However many answers are kept, of whatever length, a partition's stay within its share: the oldest have gone."""
    share = answers.share(SMALL)

    async def scenario(mine: Wire) -> None:
        for number in range(400):
            value = os.urandom(1 + number * 97 % 9_000)
            assert answers.fits(value, ME, f"r{number}", SMALL)
            await answers.keep(mine, _customer(number), f"r{number}", value, SMALL)

    _run(place, scenario)
    assert share / 2 < _taken(client) <= 1.25 * share
    there = [bool(client.exists(keys.answer(_customer(number), f"r{number}"))) for number in range(400)]
    assert there == sorted(there)
    assert there[-1]


def test_lapsed_answers_leave_the_ring(place: Place, client: SyncRedis) -> None:
    """An answer that has lapsed takes no room from those to come."""
    brief = msgspec.structs.replace(SMALL, store=Store(answers_mib=16, answer_seconds=1))

    async def scenario(mine: Wire) -> None:
        for number in range(5):
            await answers.keep(mine, ME, f"brief{number}", b"x" * 5_000, brief)
        client.expire(keys.answers(keys.partition_of(ME)), 100)
        await asyncio.sleep(2.1)
        await answers.keep(mine, ME, "next", b"x", SMALL)

    _run(place, scenario)
    ring = client.hgetall(keys.answers(keys.partition_of(ME)))
    assert {b"first", b"next", b"bytes", b"5"} == set(ring)  # type: ignore[arg-type]
    assert int(ring[b"bytes"]) < 1_000  # type: ignore[index]


def test_too_long_an_answer_does_not_fit(settings: Settings) -> None:
    """An answer may take its partition's share and no more."""
    assert answers.fits(b"x" * (answers.share(settings) - 1_000), ME, "r", settings)
    assert not answers.fits(b"x" * answers.share(settings), ME, "r", settings)


def test_forgetting_takes_names_too(place: Place, client: SyncRedis, settings: Settings) -> None:
    """What was answered to a subject is gone with its names; another's in the same partition stays, and room is kept."""
    mine, other = _customer(1), _customer(2)

    async def keep(redis_client: Wire) -> None:
        for subject in (mine, other):
            for request in ("r", "s"):
                await answers.keep(redis_client, subject, request, b"x" * 100, settings)

    _run(place, keep)
    answers.forget(client, [mine])
    assert [client.exists(keys.answer(subject, "r")) for subject in (mine, other)] == [0, 1]
    assert mine.hex().encode() not in b"".join(client.hvals(keys.answers(keys.partition_of(ME))))
    small = msgspec.structs.replace(SMALL, store=Store(answers_mib=16))

    async def fill(redis_client: Wire) -> None:
        for number in range(60):
            await answers.keep(redis_client, other, f"t{number}", os.urandom(4_000), small)

    _run(place, fill)
    assert _taken(client) <= 1.25 * answers.share(small)


def test_nearby_is_bounded_by_bytes() -> None:
    """What a process keeps itself stays within its bytes; the oldest go first, and the same request takes room once."""
    nearby = Nearby(10_000)
    for number in range(100):
        nearby.put(ME, f"r{number}", b"x" * 1_000, 60)
    assert len(nearby) == 10_000 // (1_000 + answers.OWN_BYTES)
    assert (nearby.get(ME, "r99"), nearby.get(ME, "r0")) == (b"x" * 1_000, None)
    for _ in range(100):
        nearby.put(ME, "r99", b"y", 60)
    assert nearby.get(ME, "r99") == b"y"
    assert len(nearby) == 10_000 // (1_000 + answers.OWN_BYTES)


def test_nearby_lapses() -> None:
    """An answer that has lapsed is not given again, and one longer than all there is room for is not kept."""
    nearby = Nearby(1_000)
    nearby.put(ME, "r", b"x", 0)
    nearby.put(ME, "long", b"x" * 2_000, 60)
    assert (nearby.get(ME, "r"), nearby.get(ME, "long"), len(nearby)) == (None, None, 0)
