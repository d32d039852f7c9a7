"""Cells as numbers, times, dates and words."""

from datetime import UTC

import polars as pl
import pytest

from etappe.importing.mapping import cells
from etappe.values.money import Mark


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [
        ("4,90", Mark.COMMA, "4.90"),
        ("1.299,00", Mark.COMMA, "1299.00"),
        ("1.299", Mark.COMMA, "1299"),
        ("1.299", Mark.POINT, "1.299"),
        ("12,99 €", Mark.COMMA, "12.99"),
        ("-3", Mark.COMMA, "-3"),
        ("12.99", Mark.COMMA, "12.99"),
        ("12,99", Mark.POINT, "12.99"),
        ("1,2,3", Mark.POINT, None),
        ("zwölf", Mark.COMMA, None),
    ],
)
def test_the_mark_of_a_file_decides_what_a_number_leaves_open(text: str, mark: Mark, expected: str | None) -> None:
    """1.299 is a thousand among decimal commas; what can only be meant one way is read so."""
    found = cells.number(text, mark)
    assert (found and float(found)) == (expected and float(expected))


@pytest.mark.parametrize(
    ("dates", "text", "expected"),
    [
        ("dmy", "04.01.2026 07:09", "2026-01-04T07:09"),
        ("dmy", "4.1.2026", "2026-01-04"),
        ("dmy", "4/1/2026 7:09:30", "2026-01-04T07:09:30"),
        ("mdy", "4/1/2026 7:09 PM", "2026-04-01T19:09:00"),
        ("dmy", "04.01.26 07:09", "2026-01-04T07:09:00"),
        ("dmy", "2026-01-04 07:09:00", "2026-01-04T07:09:00"),
        ("epoch", "1767510540", "2026-01-04T07:09:00+00:00"),
        ("excel", "46026.5", "2026-01-04T12:00:00"),
        ("mdy", "13/1/2026", "13/1/2026"),
        ("dmy", "morgen", "morgen"),
        ("iso", "2026-01-04", "2026-01-04"),
    ],
)
def test_a_time_is_turned_as_its_file_writes_it(dates: str, text: str, expected: str) -> None:
    """What is no time of that order stays as it is, so that its row is rejected with what stands in it."""
    assert cells.moments(pl.Series("t", [text, None], pl.String), dates).to_list() == [expected, None]


def test_a_day_without_a_clock_is_a_day() -> None:
    """Birthdays have no time; what has one keeps it."""
    assert cells.day("03.04.1985", "dmy", UTC) == "1985-04-03"
    assert cells.day("03.04.1985 06:30", "dmy", UTC) == "1985-04-03T06:30:00+00:00"
    assert cells.day("irgendwann", "dmy", UTC) is None


def test_each_distinct_text_is_read_once() -> None:
    """Of a million equal cells one is read."""
    read: list[str] = []

    def reader(text: str) -> str:
        read.append(text)
        return text.upper()

    assert cells.each(pl.Series("c", ["a", None, "b", "a"]), reader).to_list() == ["A", None, "B", "A"]
    assert sorted(read) == ["a", "b"]
