"""The hashes of the last events of a customer, by which a repeat is recognised after its record was folded.

Scripts search a base's bytes for a hash, so the hashes stand together in it, and the days behind them. A hash leaves
after DAYS whole days, and beyond the last RING.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.units import MICROSECONDS, SECONDS_PER_DAY

RING: Final = 1024
"""Event hashes a base remembers at most."""
DAYS: Final = 7
"""For so many whole days at least a repeat is recognised, unless RING events came after it."""
ARRIVED: Final = np.dtype([("event", "<u8"), ("day", "<u2")])
"""10 bytes: the hash of an event, and the day (since 1970) it is taken to have come in."""


def entries(events: NDArray[np.void], now: float | NDArray[np.float64] | None) -> NDArray[np.void]:
    """ARRIVED[m] of EVENT[m], which came in at `now` (Unix seconds, one for all or for each), or at their own times."""
    found = np.zeros(len(events), ARRIVED)
    found["event"] = events["event"]
    days = events["time"] // (MICROSECONDS * SECONDS_PER_DAY) if now is None else now // SECONDS_PER_DAY
    found["day"] = np.minimum(days, 65_535)
    return found


def due(arrived: NDArray[np.void], now: float) -> NDArray[np.bool_]:
    """bool[k]: which of ARRIVED[k] are to leave by `now`."""
    late: NDArray[np.bool_] = arrived["day"].astype(np.int64) < now // SECONDS_PER_DAY - DAYS
    return late


def in_turn(runs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Several runs, each with its newest at the end, as one: taken from the ends in turn."""
    ages = np.concatenate([np.arange(len(run), 0, -1) for run in runs])
    ordered: NDArray[Any] = np.concatenate(runs)[np.argsort(-ages, kind="stable")]
    return ordered


def joined(runs: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """The newest of all in turn, RING of them."""
    return in_turn(runs)[-RING:]


def pack(arrived: NDArray[np.void]) -> bytes:
    """The hashes one behind the other, then the days."""
    return arrived["event"].tobytes() + arrived["day"].tobytes()


def unpack(packed: bytes) -> NDArray[np.void]:
    """ARRIVED[k] of what `pack` made; ValueError where it is cut off."""
    count, rest = divmod(len(packed), ARRIVED.itemsize)
    if rest:
        raise ValueError(f"{len(packed)} bytes are no hashes with their days")
    found = np.zeros(count, ARRIVED)
    found["event"] = np.frombuffer(packed, np.uint64, count)
    found["day"] = np.frombuffer(packed, np.uint16, count, 8 * count)
    return found
