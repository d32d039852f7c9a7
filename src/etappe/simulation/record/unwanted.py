"""Who else is about: crawlers that open page after page, and people of the shop who look after it."""

from typing import Final

import numpy as np

from etappe.events.vocabulary import CHANNELS
from etappe.simulation.chance import stream
from etappe.simulation.clock import DAY, SECOND, Clock
from etappe.simulation.parameters.told import Mishaps
from etappe.simulation.record import moments as of
from etappe.simulation.record import properties
from etappe.simulation.record.record import NONE, Record
from etappe.simulation.tables import Floats, Ints, ranks

_PAGES: Final = (60, 15)
"""Mean views of a crawler's and of a staff member's round."""
_PAUSE: Final = (2, 25)
"""Mean seconds between them."""
_DEVICES: Final = 8
"""Crawlers, and devices of staff, at most."""


def events(seed: int, views: int, launch: Floats, first_device: int, clock: Clock, said: Mishaps) -> tuple[Record, int]:
    """Views by crawlers and staff, as shares of the `views` of all others; and the number of devices they use.

    What is not out yet (`launch` [items]) has no page.
    """
    chance = stream(seed, "unwanted")
    parts = [
        _rounds(chance, round(views * share), kind, launch, first_device + kind * _DEVICES, clock)
        for kind, share in enumerate((said.crawlers, said.staff))
    ]
    return Record.joined(parts), 2 * _DEVICES


def _rounds(chance: np.random.Generator, views: int, kind: int, launch: Floats, first: int, clock: Clock) -> Record:
    rounds = max(1, views // _PAGES[kind])
    count = chance.poisson(_PAGES[kind], rounds) if views else np.zeros(rounds, dtype=np.int64)
    number = np.repeat(np.arange(rounds), count)
    start = chance.random(rounds) * clock.days * DAY
    pause = chance.exponential(_PAUSE[kind], len(number)) * SECOND
    elapsed = np.cumsum(pause)
    elapsed -= elapsed[np.arange(len(number)) - ranks(number)]
    device = chance.integers(_DEVICES, size=rounds)
    agent = device % len(properties.CRAWLERS)
    none: Ints = np.full(len(number), NONE)
    whole = Record(
        time=clock.start + (start[number] + elapsed).astype(np.int64) // 1000 * 1000,
        code=np.full(len(number), of.VIEW),
        person=none,
        stage=none,
        user=none,
        device=first + device[number],
        item=chance.integers(len(launch), size=len(number)),
        quantity=np.zeros(len(number), dtype=np.int64),
        cents=np.zeros(len(number), dtype=np.int64),
        order=none,
        channel=np.full(len(number), CHANNELS.index("web")),
        said=np.full(len(number), (properties.CRAWLER, properties.STAFF)[kind]),
        ref=agent[number],
        other=none,
    )
    return whole.at(clock.day(whole.time) >= launch[whole.item])
