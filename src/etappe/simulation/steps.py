"""Functions of time that stay the same between steps: a price, whether something is in stock, a person's stage."""

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from etappe.simulation.tables import Floats, Ints, firsts

_Value = TypeVar("_Value", bound=np.generic)


class Steps(Generic[_Value]):
    """One step function for each owner 0, 1, 2 ...: `value` holds from its `day` until the owner's next one.

    Before an owner's first step its first value holds. Every owner has one at least.
    """

    def __init__(self, owner: Ints, day: Floats, value: NDArray[_Value]) -> None:
        order = np.lexsort((day, owner))
        self.owner, self.day, self.value = owner[order], day[order], value[order]
        self._low = float(self.day.min(initial=0.0))
        self._span = float(self.day.max(initial=0.0)) - self._low + 1.0
        since = np.where(firsts(self.owner), 0.0, self.day - self._low)
        self._key = self.owner * self._span + since

    def at(self, owner: Ints, day: Floats) -> NDArray[_Value]:
        """[n]: the value of each `owner` on each `day`."""
        since = np.clip(day - self._low, 0.0, self._span - 0.5)
        return self.value[np.searchsorted(self._key, owner * self._span + since, side="right") - 1]


def spells(owners: int, owner: Ints, start: Floats, end: Floats, value: Floats, otherwise: float) -> Steps[np.float64]:
    """Steps that have `value` inside each [start, end) of an owner, which do not overlap, and `otherwise` elsewhere.

    An infinite `end` is none.
    """
    ends = np.isfinite(end)
    return Steps(
        np.concatenate((np.arange(owners), owner, owner[ends])),
        np.concatenate((np.full(owners, -1.0), start, end[ends])),
        np.concatenate((np.full(owners, otherwise), value, np.full(int(ends.sum()), otherwise))),
    )


def merged(owners: int, *steps: Steps[Any]) -> tuple[Ints, Floats]:
    """Owner and day of every step of any of `steps`, each once."""
    owner = np.concatenate([one.owner for one in steps] or [np.arange(owners)])
    day = np.concatenate([one.day for one in steps] or [np.zeros(owners)])
    both = np.unique(np.stack((owner.astype(np.float64), day)), axis=1)
    return both[0].astype(np.int64), both[1]
