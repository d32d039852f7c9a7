"""Requests that wait for what becomes of their events."""

import asyncio
from enum import IntEnum
from typing import Final

from etappe.ids import Subject
from etappe.store.ingesting.calls import Sent, Told

NEVER: Final = -1
"""For when nobody was erased."""


class Outcome(IntEnum):
    """What became of an event."""

    ACCEPTED = 1
    DUPLICATE = 0
    ERASED = -2


class Request:
    """The events of one request, and what became of them so far."""

    def __init__(self, count: int) -> None:
        self.outcomes = [Outcome.DUPLICATE] * count
        self.done: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._left = count

    def settle(self, place: int, outcome: Outcome) -> None:
        """Notes what became of one event; whoever waits is told when all are settled."""
        self.outcomes[place] = outcome
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(self.outcomes)

    def fail(self, error: Exception) -> None:
        """Tells whoever waits that it could not be done."""
        if not self.done.done():
            self.done.set_exception(error)


class Waiting(Sent):
    """An event that waits to be taken; `gone` is when its subject was erased (Unix ms), where that was asked."""

    __slots__ = ("gone", "place", "request", "tries")

    def __init__(self, request: Request, place: int, subject: Subject, told: Told) -> None:
        self.subject = subject  # not by `super`, which takes longer than all of this
        self.told = told
        self.as_of = None
        self.request = request
        self.place = place
        self.tries = 0
        self.gone = NEVER

    def settle(self, outcome: Outcome) -> None:
        """Notes what became of it."""
        self.request.settle(self.place, outcome)
