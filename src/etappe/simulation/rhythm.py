"""When people shop: hours of weekdays and weekends (UTC), and moments in microseconds since 1970."""

from datetime import UTC, datetime

import numpy as np

from etappe.simulation.chance import Wheels
from etappe.simulation.tables import Floats, Ints

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
_WEEKDAY = np.array([2.0, 1, 1, 1, 1, 2, 5, 9, 12, 14, 15, 17, 20, 17, 15, 16, 19, 24, 30, 36, 38, 30, 16, 6])
_WEEKEND = np.array([4.0, 2, 1, 1, 1, 1, 2, 5, 11, 20, 28, 30, 28, 26, 26, 27, 27, 27, 28, 31, 31, 25, 14, 7])
"""Visits by hour of the day."""
_DAYS = np.array([1.05, 1.0, 0.97, 0.98, 0.92, 0.95, 1.2])
"""Visits by day of the week, Monday first."""
_THURSDAY, _SATURDAY = 3, 5
"""1970 began on a Thursday."""


class Rhythm:
    """The hours from `end - days` to `end`, and how many visits fall into each."""

    def __init__(self, end: datetime, days: int) -> None:
        self.days = days
        self.end = round(end.astimezone(UTC).timestamp() * SECOND)
        self.start = self.end - days * DAY
        self._slots = Wheels.of_rows(_weights(self.start, days).reshape(days, 24))

    def moments_after(self, day: Floats, uniform: Floats) -> Ints:
        """int64[n]: one moment from each rest of the time that begins with `day` [n] (0 is the first)."""
        low = np.clip((day * 24).astype(np.int64), 0, self.days * 24 - 1)
        return self._inside(self._slots.spin_between(low, np.full_like(low, self.days * 24), uniform), uniform)

    def moments_on(self, day: Floats, uniform: Floats) -> Ints:
        """int64[n]: one moment from the 24 hours that begin with each `day` [n] rounded down."""
        return self._inside(self._slots.spin(np.clip(day.astype(np.int64), 0, self.days - 1), uniform), uniform)

    def day_of(self, moment: Ints) -> Floats:
        """float64[n]: the day, with its fraction, of each moment."""
        return (moment - self.start) / DAY

    def _inside(self, slot: Ints, uniform: Floats) -> Ints:
        """A moment in the hour `slot`; the low bits of the number that chose the hour choose it."""
        return self.start + slot * HOUR + (uniform * 1e6 % 1.0 * HOUR).astype(np.int64)


def _weights(start: int, days: int) -> Floats:
    """float64[hours]: the visits in each hour of the time, relative."""
    hours = (start + HOUR // 2) // HOUR + np.arange(days * 24)
    weekday = (hours // 24 + _THURSDAY) % 7
    by_hour = np.stack((_WEEKDAY / _WEEKDAY.sum(), _WEEKEND / _WEEKEND.sum()))
    return np.asarray(by_hour[(weekday >= _SATURDAY).astype(np.int64), hours % 24] * _DAYS[weekday])
