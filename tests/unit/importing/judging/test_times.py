"""Times as files write them."""

import polars as pl
import pytest

from etappe.importing.judging import times


def _utc(text: str, zone: str = "UTC") -> str | None:
    parsed = pl.DataFrame({"at": [text]}).select(times.parse(pl.col("at"), zone)).to_series()
    assert pl.Datetime("us", "UTC") == parsed.dtype
    return parsed.dt.strftime("%Y-%m-%d %H:%M:%S%.f").item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-10-01 00:00:00 UTC", "2019-10-01 00:00:00"),
        ("2019-10-01T00:00:00Z", "2019-10-01 00:00:00"),
        ("2019-10-01T00:00:00.250Z", "2019-10-01 00:00:00.250"),
        ("2019-10-01T00:00:00+02:30", "2019-09-30 21:30:00"),
        ("2019-10-01 00:00-0130", "2019-10-01 01:30:00"),
        ("2019-10-01", "2019-10-01 00:00:00"),
        ("2019-13-01", None),
        ("2019-10-01T25:00:00Z", None),
        ("yesterday", None),
        ("1570000000", None),
        ("", None),
    ],
)
def test_forms(text: str, expected: str | None) -> None:
    """ISO 8601 in its usual forms is UTC; anything else is no time."""
    assert expected == _utc(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-07-01 12:00:00", "2011-07-01 10:00:00"),
        ("2011-12-01 12:00:00", "2011-12-01 11:00:00"),
        ("2011-10-30 02:30:00", "2011-10-30 00:30:00"),
        ("2011-03-27 02:30:00", None),
        ("2011-12-01 12:00:00Z", "2011-12-01 12:00:00"),
    ],
)
def test_shop_zone(text: str, expected: str | None) -> None:
    """A time without a zone is the shop's: the earlier of two, and none in the hour that summer time leaves out."""
    assert expected == _utc(text, "Europe/Berlin")
