"""Answers to repeated requests as a serving process finds and keeps them, whatever Redis does."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from litestar.exceptions import HTTPException
from tests.integration.full import full

from etappe.api.deciding.replays import Replays, key_of
from etappe.ids import Subject
from etappe.serving.request import DecideRequest
from etappe.settings import Place, Settings, Store
from etappe.store import keys
from etappe.store.decided.answers import Kept
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import open_wire

ME = Subject(bytes([7]) * 16)
MINE = Kept(b'{"decision": "mine"}', personal=True)
OTHERS = Kept(b'{"decision": "other"}', personal=False)
Play = Callable[[Callable[[Replays], Awaitable[None]]], None]


@pytest.fixture
def play(place: Place, settings: Settings) -> Play:
    """Runs a scenario of one serving process."""
    patient = msgspec.structs.replace(settings, store=Store(budget_ms=10_000))  # whatever else this machine does

    def run(scenario: Callable[[Replays], Awaitable[None]]) -> None:
        async def connected() -> None:
            async with open_wire(place) as wire:
                await scenario(Replays(wire, patient))

        asyncio.run(connected())

    return run


def _request(**asked: object) -> DecideRequest:
    return msgspec.convert({"placements": [{"name": "p"}], **asked}, DecideRequest)


def test_requests_are_known_by_all_they_ask() -> None:
    """The same id with another body is another request; without an id there is nothing to repeat."""
    asked = [_request(request_id="r"), _request(request_id="r", locale="de"), _request(request_id="s")]
    assert len({key_of(one) for one in asked}) == 3
    assert key_of(_request(request_id="r")) == key_of(_request(request_id="r"))
    assert key_of(_request()) is None


def test_answer_given_before_counts(play: Play, client: SyncRedis) -> None:
    """The second process to settle gets what the first kept, with whether it was personal."""

    async def first(replays: Replays) -> None:
        assert await replays.settle(ME, "r", OTHERS, degraded=False) is OTHERS

    async def second(replays: Replays) -> None:
        assert await replays.settle(ME, "r", MINE, degraded=False) == OTHERS
        in_redis: bytes = client.get(keys.answer(ME, "r"))  # type: ignore[assignment]
        assert replays.find(ME, "r", in_redis) == OTHERS

    play(first)
    play(second)


def test_full_redis_leaves_answers_nearby(play: Play, client: SyncRedis) -> None:
    """What a full Redis does not take is repeated by the process that gave it."""

    async def scenario(replays: Replays) -> None:
        with full(client):
            assert await replays.settle(ME, "r", MINE, degraded=False) is MINE
        assert (replays.find(ME, "r", b""), replays.find(ME, "s", b"")) == (MINE, None)

    play(scenario)
    assert client.exists(keys.answer(ME, "r")) == 0


def test_degraded_answers_do_not_wait_for_redis(play: Play, client: SyncRedis) -> None:
    """An answer given without Redis is kept without it."""

    async def scenario(replays: Replays) -> None:
        assert await replays.settle(ME, "r", OTHERS, degraded=True) is OTHERS
        assert replays.find(ME, "r", b"") == OTHERS

    play(scenario)
    assert client.exists(keys.answer(ME, "r")) == 0


def test_too_long_an_answer_is_refused(play: Play, client: SyncRedis) -> None:
    """An answer beyond the share of its partition is a 422 that says what to do, and is kept nowhere."""

    async def scenario(replays: Replays) -> None:
        with pytest.raises(HTTPException, match="leave request_id out") as refused:
            await replays.settle(ME, "r", Kept(os.urandom(300_000), personal=False), degraded=False)
        assert refused.value.status_code == 422
        assert replays.find(ME, "r", b"") is None

    play(scenario)
    assert client.exists(keys.answer(ME, "r")) == 0


def test_what_another_version_kept_is_passed_over(play: Play) -> None:
    """An answer in a form that is not known is none."""

    async def scenario(replays: Replays) -> None:
        assert replays.find(ME, "r", b'{"decision": "old"}') is None

    play(scenario)
