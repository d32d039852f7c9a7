"""Demand over the year."""

import numpy as np

from etappe.simulation.clock import Clock
from etappe.simulation.goods.assortment import Assortment
from etappe.simulation.parameters import Parameters
from etappe.simulation.tables import Flags, Floats, Ints

YEAR = 365.0


class Seasons:
    """By how much each category is wanted more or less on a day than over the year."""

    def __init__(self, assortment: Assortment, parameters: Parameters, clock: Clock) -> None:
        waves = [parameters.seasons.get(category.path, (0.0, 0.0)) for category in assortment.categories]
        self._peak, self._amplitude = np.array(waves, dtype=np.float64).T
        self._clock = clock

    def log_demand(self, category: Ints, day: Floats) -> Floats:
        """float64[n]: log of the demand for each `category` on each `day` of the story, 0 on average."""
        of_year = self._clock.day_of_year(day)
        return np.asarray(self._amplitude[category] * wave(of_year, self._peak[category]))

    def accepted(self, category: Ints, day: Floats, uniform: Floats) -> Flags:
        """bool[n]: the share of interest in a category that its season leaves over, drawn by `uniform` [n]."""
        of_year = self._clock.day_of_year(day)
        amplitude = self._amplitude[category]
        left: Flags = uniform < np.exp(amplitude * (wave(of_year, self._peak[category]) - 1))
        return left

    def left(self, day: Floats) -> Floats:
        """float64[n, categories]: that share for every category on each `day`."""
        of_year = self._clock.day_of_year(day)[:, None]
        return np.asarray(np.exp(self._amplitude * (wave(of_year, self._peak) - 1)))


def wave(of_year: Floats, peak: Floats) -> Floats:
    """float64[n]: 1 at the `peak` of the year, -1 half a year away."""
    return np.asarray(np.cos(2 * np.pi * (of_year - peak) / YEAR))
