"""Chance: one named stream of random numbers per part of the world, and weighted draws from many groups at once."""

import zlib

import numpy as np

from etappe.simulation.tables import Floats, Ints


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers of the part `name`: what one part draws never shifts what another one gets."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


class Wheels:
    """Wheels of fortune laid end to end: group g holds the places bounds[g] to bounds[g + 1].

    A draw costs one binary search, whatever the number of groups.
    """

    def __init__(self, weights: Floats, bounds: Ints) -> None:
        self._bounds, self._weights = bounds, weights
        self._before = np.concatenate(([0.0], np.cumsum(weights)))

    @classmethod
    def of_rows(cls, weights: Floats) -> "Wheels":
        """One wheel for each row of `weights` [rows, places]; place p of row r is drawn as r * places + p."""
        rows, places = weights.shape
        return cls(weights.ravel(), np.arange(rows + 1) * places)

    @property
    def groups(self) -> int:
        """How many wheels there are."""
        return len(self._bounds) - 1

    def means(self, value: Floats) -> Floats:
        """float64[groups]: the mean of `value` [places] over what each wheel draws; nan where it is empty."""
        sums = np.concatenate(([0.0], np.cumsum(self._weights * value)))
        total = self._before[self._bounds[1:]] - self._before[self._bounds[:-1]]
        drawn = sums[self._bounds[1:]] - sums[self._bounds[:-1]]
        return np.asarray(np.divide(drawn, total, out=np.full(len(total), np.nan), where=total > 0))

    def spin(self, group: Ints, uniform: Floats) -> Ints:
        """int64[n]: one place from each `group` [n], by the numbers `uniform` [n] in [0, 1)."""
        return self.spin_between(self._bounds[group], self._bounds[group + 1], uniform)

    def spin_between(self, low: Ints, high: Ints, uniform: Floats) -> Ints:
        """int64[n]: one place from each range [low, high), by the numbers `uniform` [n] in [0, 1)."""
        start, end = self._before[low], self._before[high]
        place: Ints = np.searchsorted(self._before[1:], start + uniform * (end - start), side="right")
        return np.minimum(np.maximum(place, low), high - 1)
