"""Plays a story on, live: visits at a steady pace, for as long as they are wanted."""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from etappe.progress import Progress, silent
from etappe.simulation.chance import stream
from etappe.simulation.live.client import Client
from etappe.simulation.live.crowd import Crowd
from etappe.simulation.live.surroundings import Surroundings
from etappe.simulation.live.tally import Tally
from etappe.simulation.live.visit import Visit
from etappe.simulation.record.properties import Labels
from etappe.simulation.story import Story

WHAT: Final = "visits"
_SOLD_OUT: Final = 0.04
"""Chance that a purchase takes the last piece."""
_EMPTY_VISITS: Final = 40
"""So many visits later, about, there is more of it."""


class Pace(msgspec.Struct, frozen=True):
    """How fast, and how long: time runs so that all people's visits of a day make so many `visits_per_second`."""

    visits_per_second: float = 2.0
    visits: int = 0
    """0 for no end."""


class Played(msgspec.Struct, frozen=True):
    """What came of it. `served`, `best`, `random`: expected clicks a list of items, by the truth."""

    visits: int
    events: int
    rejected: int
    days: float
    orders: int
    lists: int
    clicks: int
    expected: float
    """The sum of the chances with which these clicks were drawn."""
    pieces: int
    piece_clicks: int
    served: float
    best: float
    random: float
    sold_out_shown: int
    """Items in lists that the shop had said were sold out: must be 0."""


def play(
    story: Story,
    named: Labels,
    client: Client,
    pace: Pace,
    *,
    stopped: Callable[[], bool] = lambda: False,
    progress: Progress = silent,
    told: Callable[[Played], None] = lambda _: None,
) -> Played:
    """Lets people visit until `stopped` or until there were as many visits as wanted; `told` hears of each.

    Raises:
        EtappeError: the running Etappe does not answer, or refuses.
    """
    chance = stream(story.world.size.seed, f"live/{time.time_ns()}")
    around = Surroundings(story, named, Crowd(story, chance), client, chance)
    player = _Player(around, f"{named.run}-l{time.time_ns() // 1_000_000:x}")
    player.begin()
    began = time.monotonic()
    while not stopped() and (not pace.visits or player.visits < pace.visits):
        progress(WHAT, player.visits, pace.visits)
        _wait(began + player.visits / pace.visits_per_second, stopped)
        if not stopped():
            player.visit()
            told(player.played())
    player.end()
    return player.played()


class _Player:
    def __init__(self, around: Surroundings, run: str) -> None:
        self._around, self._run = around, run
        self._tally = Tally(around)
        self.visits = self._events = self._rejected = self._orders = 0

    def begin(self) -> None:
        """Everything is in stock, or not, as the story left it, whatever an earlier play did."""
        shelf, rows = self._around.world.shelf, np.arange(len(self._around.items))
        there = shelf.available.at(rows, np.full(len(rows), float(self._around.world.clock.days)))
        self._around.sold_out = set(rows[~there].tolist())
        self._put(dict(enumerate(there.tolist())))

    def end(self) -> None:
        """What is sold out now comes again: nobody else would see to it."""
        self._put(dict.fromkeys(sorted(self._around.sold_out), True))

    def visit(self) -> None:
        """One visit, and what follows from it."""
        crowd = self._around.crowd
        crowd.pass_time(1.0 / max(crowd.visits_a_day, 1e-9))
        person, keen = crowd.next_visitor()
        visit = Visit(self._around, self._tally, person, f"{self._run}-{self.visits}", keen=keen)
        bought = visit.happen()
        self._rejected += self._around.client.send([_plain(event) for event in visit.events])
        self.visits += 1
        self._events += len(visit.events)
        self._orders += bool(bought)
        self._restock(bought)

    def _restock(self, bought: list[int]) -> None:
        """Some of what was bought is sold out by that, and some of what was sold out is there again."""
        around, chance = self._around, self._around.chance
        empty = {item for item in bought if chance.random() < _SOLD_OUT} - around.sold_out
        back = {item for item in sorted(around.sold_out) if chance.random() < 1 / _EMPTY_VISITS}
        self._put(dict.fromkeys(sorted(empty), False) | dict.fromkeys(sorted(back), True))
        around.sold_out = (around.sold_out | empty) - back

    def _put(self, available: dict[int, bool]) -> None:
        changes = [{"id": self._around.items[item], "available": there} for item, there in available.items()]
        if changes:
            self._around.client.put_items(changes)

    def played(self) -> Played:
        """What came of it so far."""
        tally = self._tally
        lists = max(tally.lists, 1)
        return Played(
            visits=self.visits, events=self._events, rejected=self._rejected, days=round(self._around.crowd.now, 3),
            orders=self._orders, lists=tally.lists, clicks=tally.clicks, expected=tally.expected,
            pieces=tally.pieces, piece_clicks=tally.piece_clicks, served=tally.served / lists, best=tally.best / lists,
            random=tally.random / lists, sold_out_shown=tally.forbidden,
        )  # fmt: skip


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"timestamp": event["timestamp"].isoformat()}


def _wait(until: float, stopped: Callable[[], bool]) -> None:
    while (left := until - time.monotonic()) > 0 and not stopped():
        time.sleep(min(left, 0.2))
