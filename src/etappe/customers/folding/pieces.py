"""What a customer had to do with pieces of content: seen, clicked, waved away, and how often lately.

Counts, times and the counts by day come together in any order: sums stop at their width, of times the later stays, and
of days those within DAYS of the newest. A piece left out for the bound that comes again begins anew.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.customers.records import ABOUT_PIECE, PIECE_CODES, one_run
from etappe.events.vocabulary import CODES
from etappe.units import MICROSECONDS, SECONDS_PER_DAY

MAX_PIECES: Final = 64
"""Pieces a base keeps, those last met."""
DAYS: Final = 30
"""Days by which exposures are counted, UTC: the longest time of a cap."""
PIECE: Final = np.dtype(
    [
        ("piece", "<u8"),
        ("exposed", "<u4"),
        ("clicked", "<u4"),
        ("dismissed", "<u4"),
        ("exposures", "<u2"),
        ("clicks", "<u2"),
        ("day", "<u2"),
        ("daily", "u1", (DAYS,)),
    ]
)
"""56 bytes: hash; Unix seconds of the last exposure, click and dismissal (0: never), how often it was seen and clicked;
exposures on `day` (since 1970), the day before, and so on."""

_EXPOSED: Final = ABOUT_PIECE[CODES["impression"]]
_CLICKED: Final = ABOUT_PIECE[CODES["click"]]
_DISMISSED: Final = ABOUT_PIECE[CODES["dismiss"]]
_TIMES: Final = {"exposed": _EXPOSED, "clicked": _CLICKED, "dismissed": _DISMISSED}
_COUNTS: Final = {"exposures": _EXPOSED, "clicks": _CLICKED}
_LAST_SECOND: Final = 2**32 - 1


def met(events: NDArray[np.void]) -> NDArray[np.void]:
    """PIECE[m], one for each of EVENT[n] that is about a piece."""
    mine = events[events["code"] >= PIECE_CODES]
    found = np.zeros(len(mine), PIECE)
    if not len(mine):
        return found
    seconds = np.clip(mine["time"] // MICROSECONDS, 1, _LAST_SECOND)
    found["piece"] = mine["item"]
    for name, code in _TIMES.items():
        found[name] = np.where(mine["code"] == code, seconds, 0)
    for name, code in _COUNTS.items():
        found[name] = mine["code"] == code
    found["day"] = found["exposed"] // SECONDS_PER_DAY
    found["daily"][:, 0] = found["exposures"]
    return found


def joined(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """PIECE[k], ascending by hash, however many: what is known of each piece in all parts together."""
    rows = one_run(*parts)
    if sum(len(part) > 0 for part in parts) <= 1 and len(np.unique(rows["piece"])) == len(rows):
        return rows[np.argsort(rows["piece"])]
    rows = rows[np.argsort(rows["piece"], kind="stable")]
    starts = np.flatnonzero(np.concatenate([[True], rows["piece"][1:] != rows["piece"][:-1]]))
    found = rows[starts]
    for name in ("exposed", "clicked", "dismissed", "day"):
        found[name] = np.maximum.reduceat(rows[name], starts)
    for name in _COUNTS:
        found[name] = np.minimum(np.add.reduceat(rows[name].astype(np.int64), starts), 65_535)
    found["daily"] = _daily(rows, found, np.repeat(np.arange(len(starts)), np.diff([*starts, len(rows)])))
    return found


def _daily(rows: NDArray[np.void], found: NDArray[np.void], group: NDArray[np.int64]) -> NDArray[Any]:
    """The counts by day of each group, moved to begin at its newest day."""
    behind = found["day"].astype(np.int64)[group] - rows["day"]
    places = behind[:, None] + np.arange(DAYS)
    inside = places < DAYS
    counts = np.zeros((len(found), DAYS), np.int64)
    np.add.at(counts, (np.broadcast_to(group[:, None], places.shape)[inside], places[inside]), rows["daily"][inside])
    return np.minimum(counts, 255)


def kept(pieces: NDArray[np.void]) -> NDArray[np.void]:
    """The MAX_PIECES last met, in the order they were in; of one second those with the smaller hash."""
    if len(pieces) <= MAX_PIECES:
        return pieces
    last = np.maximum(np.maximum(pieces["exposed"], pieces["clicked"]), pieces["dismissed"]).astype(np.int64)
    return pieces[np.sort(np.lexsort((pieces["piece"], -last))[:MAX_PIECES])]


def exposures(pieces: NDArray[np.void], now: float, days: int) -> NDArray[np.int64]:
    """int64[k]: how often each piece was seen today and on the days before, `days` in all, at most DAYS."""
    behind = int(now // SECONDS_PER_DAY) - pieces["day"].astype(np.int64)
    counted = np.arange(DAYS)[None, :] + behind[:, None] < days
    total: NDArray[np.int64] = np.where(counted, pieces["daily"], 0).sum(axis=1, dtype=np.int64)
    return total
