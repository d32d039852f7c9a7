"""The time of the story: days from its first moment, moments in microseconds since 1970, and when people are about."""

from datetime import UTC, datetime

import numpy as np

from etappe.simulation.chance import Wheels
from etappe.simulation.tables import Flags, Floats, Ints

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
HABITS = ("early", "day", "evening", "office")
_EARLY = [2, 1, 1, 1, 2, 8, 22, 34, 36, 30, 24, 20, 20, 16, 13, 12, 13, 14, 14, 13, 10, 7, 4, 3]
_DAY = [2, 1, 1, 1, 1, 2, 5, 9, 18, 26, 30, 30, 34, 28, 25, 24, 24, 24, 22, 20, 16, 11, 6, 3]
_EVENING = [6, 3, 1, 1, 1, 1, 3, 6, 9, 10, 11, 12, 16, 13, 11, 12, 15, 22, 32, 44, 50, 46, 28, 13]
_OFFICE = [0, 0, 0, 0, 0, 1, 5, 16, 36, 44, 44, 34, 22, 34, 40, 38, 28, 14, 6, 4, 3, 2, 1, 0]
"""Visits by hour of the day (UTC)."""
_WEEK = [1.05, 1.0, 0.97, 0.98, 0.92, 0.95, 1.2]
_OFFICE_WEEK = [1.25, 1.3, 1.25, 1.2, 1.05, 0.25, 0.15]
"""Visits by day of the week, Monday first."""
_OFFICE_HABIT = HABITS.index("office")
_THURSDAY, _SATURDAY = 3, 5
"""1970 began on a Thursday."""


class Clock:
    """The story runs over the `days` before `end`."""

    def __init__(self, end: datetime, days: int) -> None:
        self.days = days
        self.end = round(end.astimezone(UTC).timestamp() * SECOND)
        self.start = self.end - days * DAY
        self._hours = Wheels.of_rows(np.array([_EARLY, _DAY, _EVENING, _OFFICE], dtype=np.float64))
        self._week = np.array([_WEEK, _WEEK, _WEEK, _OFFICE_WEEK]) / max(_OFFICE_WEEK)
        self._first = datetime.fromtimestamp(self.start / SECOND, UTC).timetuple().tm_yday

    def moment(self, day: Floats) -> Ints:
        """int64[n]: each `day`, with its fraction, in microseconds since 1970, whole milliseconds."""
        return self.start + (day * (DAY / 1000)).astype(np.int64) * 1000

    def day(self, moment: Ints) -> Floats:
        """float64[n]: the day of each `moment`, with its fraction."""
        return (moment - self.start) / DAY

    def day_of_year(self, day: Floats) -> Floats:
        """float64[n]: 1 on the first of January, leap years aside."""
        return self._first + day

    def about(self, habit: Ints, day: Floats, uniform: Floats) -> Flags:
        """bool[n]: somebody of this `habit` (place in HABITS) is about on this weekday, drawn by `uniform` [n]."""
        weekday = (self.moment(day) // DAY + _THURSDAY) % 7
        return uniform < self._week[habit, weekday]

    def workday(self, habit: Ints, day: Floats) -> Floats:
        """float64[n]: `day`, or for who keeps office hours two days later where it is on a weekend."""
        weekend = (self.moment(day) // DAY + _THURSDAY) % 7 >= _SATURDAY
        return np.where(weekend & (habit == _OFFICE_HABIT), day + 2.0, day)

    def at_hour(self, habit: Ints, day: Floats, uniform: Floats) -> Floats:
        """float64[n]: a time of the same date (UTC) as `day`, at an hour of the `habit`."""
        midnight = (self.moment(day) // DAY * DAY - self.start) / DAY
        hour = self._hours.spin(habit, uniform) % 24
        return midnight + (hour + uniform * 1e6 % 1.0) / 24.0
