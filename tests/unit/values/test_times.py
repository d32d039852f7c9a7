"""Times in the spellings of databases, spreadsheets and programs, and what they leave open."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from etappe.values import times
from etappe.values.times import Order
from etappe.values.unreadable import Unreadable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-01T12:00:00Z", "2026-05-01t12:00:00z", "2026-05-01 12:00", "2026-05-01T12", "2026-05-01 14:00:00+02",
        "2026-05-01 14:00:00 +0200", "2026-05-01T17:30:00+05:30", "2026-05-01 12:00:00 UTC", "20260501T120000Z",
        "20260501120000", "2026-W18-5T12:00", "2026-05-01T14:00:00+02:00[Europe/Berlin]", "2026/05/01 12:00",
        "2026-5-1 12:00", "2026-05-01 12:00 PM", "2026-5-1 14:00:00 +02",
        "2026-05-01T12:00:00.000000000Z", "1777636800", "1777636800000", "1777636800000000", "1777636800000000000",
        "1777636800.0", "1.7776368E9", 1777636800, 1777636800000.0, 1777636800000000, "01.05.2026 12:00", "1.5.26 12:00",
        " 2026-05-01 12:00:00 ", NOON, datetime(2026, 5, 1, 12),  # noqa: DTZ001 - of no zone
    ],
)  # fmt: skip
def test_spellings(written: object) -> None:
    """What can only be one moment is that moment, whatever its column."""
    for order in Order:
        assert times.read(written, order=order, now=NOW) == NOON


@pytest.mark.parametrize(
    ("written", "dmy", "mdy"),
    [("02/01/2026 1:30 PM", (1, 2), (2, 1)), ("2-1-2026 13:30", (1, 2), (2, 1)), ("3/3/26 13:30", (3, 3), (3, 3))],
)
def test_day_and_month(written: str, dmy: tuple[int, int], mdy: tuple[int, int]) -> None:
    """A date that has day or month first is read as its column is, and not at all where that does not tell."""
    for order, (month, day) in ((Order.DMY, dmy), (Order.MDY, mdy)):
        assert times.read(written, order=order) == datetime(2026, month, day, 13, 30, tzinfo=UTC)
    if dmy != mdy:
        with pytest.raises(Unreadable, match=r"write 2026-01-31, or say values\.dates, of a file --dates dmy or mdy"):
            times.read(written)


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["01/12/2010", "13/12/2010 08:26"], Order.DMY), (["01/12/2010", "12/13/2010"], Order.MDY),
        (["01/12/2010", "2010-12-13", "7"], Order.AMBIGUOUS), (["13/01/2010", "01/13/2010"], Order.BOTH),
        (["13.12.2010"], Order.AMBIGUOUS), (["3/3/2010"], Order.AMBIGUOUS), (["99/99/2010"], Order.AMBIGUOUS),
    ],
)  # fmt: skip
def test_a_column_tells(texts: list[str], order: Order) -> None:
    """A 13 in one place settles the whole column."""
    assert times.order_of(texts) is order


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("soon", "ISO 8601"), ("", "ISO 8601"), ("31/02/2026", "ISO 8601"), ("2026-02-30", "ISO 8601"), (True, "ISO 8601"),
        (None, "ISO 8601"), ("2026-05-01 25:00", "ISO 8601"), ("13/5/2026 13:00 PM", "ISO 8601"), ("2" * 65, "ISO 8601"),
        ("9999-12-31T23:00:00-05:00", "ISO 8601"), (0, "between the year 2000"), (1e10, "between the year 2000"),
        ("46143", "between the year 2000"), (float("nan"), "between the year 2000"), (10**400, "between the year 2000"),
        (1780444800, "between the year 2000"),
    ],
)  # fmt: skip
def test_no_time(written: object, reason: str) -> None:
    """What is no time, or as a number no plausible one, is refused with the remedy."""
    with pytest.raises(Unreadable, match=reason):
        times.read(written, now=NOW)


def test_the_other_order_is_refused() -> None:
    """A date that cannot be of the order that is stated is no other date."""
    with pytest.raises(Unreadable, match="other order"):
        times.read("13/01/2026", order=Order.MDY)


def test_local_times() -> None:
    """A time without an offset is the shop's; one said twice in autumn is the earlier, one left out in spring none."""
    assert times.read("01.05.2026 14:00", zone=BERLIN) == NOON
    assert times.read("2026-10-25 02:30", zone=BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    with pytest.raises(Unreadable, match="summer time"):
        times.read("2026-03-29 02:30", zone=BERLIN)


@pytest.mark.parametrize("written", [46143.5, "46143.5", "46143,5"])
def test_days_of_a_spreadsheet(written: object) -> None:
    """Days since 1899-12-30 are times only where their column is told to have them."""
    assert times.read(written, serial=True, now=NOW) == NOON
    assert times.is_serial(written, NOW)
    with pytest.raises(Unreadable):
        times.read(written, now=NOW)


@pytest.mark.parametrize("written", ["46143.25", 46143, "46143"])
def test_a_lone_day_of_a_spreadsheet_names_the_option(written: object) -> None:
    """A number that can only be a spreadsheet's day is none where its column holds others; its reason says what reads it."""
    with pytest.raises(Unreadable, match="--dates excel"):
        times.read(written, now=NOW)
    assert times.read(written, now=NOW, serial=True).date().isoformat() == "2026-05-01"
    with pytest.raises(Unreadable) as plain:
        times.read(7, now=NOW)
    assert "excel" not in str(plain.value)
