"""Claims of concurrent requests on one way to the graph."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.customers.people import subject

from etappe.customers.identity import Claim
from etappe.errors import DataError, StoreUnavailableError
from etappe.events.identities import Identity
from etappe.store.identities.together import Together


class _Graph:
    """A linker that notes the causes of what it is asked at one time, waits where told, and refuses some."""

    def __init__(self, refused: dict[str, Exception] | None = None) -> None:
        self.asked: list[list[str]] = []
        self.free = threading.Event()
        self.free.set()
        self._refused = refused or {}

    def link(self, claims: Sequence[Claim]) -> int:
        """As `Linker.link`."""
        self.free.wait(10)
        causes = [claim.cause for claim in claims]
        self.asked.append(causes)
        for cause in causes:
            if cause in self._refused:
                raise self._refused[cause]
        return len(causes)


def _claim(cause: str) -> Claim:
    one, other = Identity("user_id", cause), Identity("anonymous_id", cause)
    return Claim(subject(one), one, subject(other), other, cause)


def _linked(graph: _Graph, requests: Sequence[str], *, give_up: str | None = None) -> list[Any]:
    """What each request hears that is made while the first change is under way; one gives up."""

    async def acting() -> list[Any]:
        linker: Any = graph
        together = Together(linker)
        graph.free.clear()
        asking = [asyncio.create_task(together.link([_claim(cause)])) for cause in requests]
        await asyncio.sleep(0.05)
        for cause, task in zip(requests, asking, strict=True):
            if cause == give_up:
                task.cancel()
        graph.free.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    return asyncio.run(acting())


def test_what_comes_meanwhile_goes_together() -> None:
    """Requests that come in one turn of the loop go in one change; all are told when it is done."""
    graph = _Graph()
    assert _linked(graph, ["a", "b", "c"]) == [None] * 3
    assert graph.asked == [["a", "b", "c"]]


def test_a_request_fails_for_its_own_claims() -> None:
    """Where the claims of one request cannot be linked, those of the others are."""
    graph = _Graph({"b": DataError("damaged")})
    told = _linked(graph, ["a", "b", "c"])
    assert (told[0], type(told[1]), told[2]) == (None, DataError, None)
    assert graph.asked == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_nobody_waits_once_more_for_a_lock_that_was_not_to_be_had() -> None:
    """Where others hold the graph all requests are told at once."""
    graph = _Graph({"a": StoreUnavailableError("others have been changing identities")})
    assert [type(one) for one in _linked(graph, ["a", "b"])] == [StoreUnavailableError] * 2
    assert graph.asked == [["a", "b"]]


@pytest.mark.parametrize("whoever", ["a", "b"])
def test_who_gives_up_stops_no_others(whoever: str) -> None:
    """A request that is given up is linked all the same, and so are those beside it."""
    graph = _Graph()
    told = _linked(graph, ["a", "b"], give_up=whoever)
    assert [isinstance(one, asyncio.CancelledError) for one in told] == [one == whoever for one in ("a", "b")]
    assert graph.asked == [["a", "b"]]


def test_the_next_change_takes_what_came_during_the_last() -> None:
    """What comes while a change is under way goes with the next one, and there is one at a time."""
    graph = _Graph()

    async def acting() -> None:
        linker: Any = graph
        together = Together(linker)
        graph.free.clear()
        first = asyncio.create_task(together.link([_claim("first")]))
        await asyncio.sleep(0.05)
        later = [asyncio.create_task(together.link([_claim(cause)])) for cause in ("a", "b")]
        await asyncio.sleep(0.05)
        graph.free.set()
        await asyncio.gather(first, *later)

    asyncio.run(acting())
    assert graph.asked == [["first"], ["a", "b"]]
