"""The time of the story."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.unit.simulation.sizes import END

from etappe.simulation.chance import stream
from etappe.simulation.clock import HABITS, SECOND, Clock

CLOCK = Clock(END, 120)


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def test_the_story_ends_when_it_was_asked_to() -> None:
    """Day 0 is so many days before the end, and the last day ends with it; whole milliseconds there and back."""
    moments = CLOCK.moment(np.array([0.0, 120.0, 0.3]))
    assert [_moment(one) for one in moments.tolist()[:2]] == [END - timedelta(days=120), END]
    assert moments.tolist()[2] % 1000 == 0
    assert CLOCK.day(moments) == pytest.approx([0.0, 120.0, 0.3], abs=1e-8)


def test_the_first_of_january_is_day_one() -> None:
    """The 30th of June of 2026 is day 181 of its year."""
    assert CLOCK.day_of_year(np.array([120.0])).tolist() == [181.0]


def test_people_are_about_at_the_hours_of_their_habit() -> None:
    """A time of the same date (UTC), at the hours the habit has: offices in the forenoon, evenings after work."""
    day, uniform = np.full(50_000, 17.9), stream(1, "test").random(50_000)
    hours = {}
    for place, name in enumerate(HABITS):
        times = CLOCK.moment(CLOCK.at_hour(np.full(50_000, place), day, uniform))
        assert {_moment(one).date() for one in times[:500].tolist()} == {_moment(int(CLOCK.moment(day[:1])[0])).date()}
        hours[name] = np.bincount(times // (3600 * SECOND) % 24, minlength=24) / 50_000
    assert hours["office"][8:17].sum() > 0.8
    assert hours["evening"][18:23].sum() > 0.5
    assert hours["early"][5:10].sum() > 0.35
    assert hours["evening"][3] < 0.01


def test_offices_are_closed_on_sundays() -> None:
    """On Sundays an eighth of those of a Monday are about for work, and more than on a Monday for themselves."""
    sunday = next(day for day in range(7) if _moment(int(CLOCK.moment(np.array([day + 0.5]))[0])).weekday() == 6)
    uniform = stream(2, "test").random(50_000)
    share = {
        (habit, day): CLOCK.about(np.full(50_000, HABITS.index(habit)), np.full(50_000, day + 0.5), uniform).mean()
        for habit in ("office", "evening")
        for day in (sunday, sunday + 1)
    }
    assert share["office", sunday] / share["office", sunday + 1] == pytest.approx(0.12, abs=0.02)
    assert share["evening", sunday] / share["evening", sunday + 1] == pytest.approx(1.2 / 1.05, abs=0.03)
