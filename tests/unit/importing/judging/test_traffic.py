"""Flags of imported rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest

from etappe.events import traffic as rules
from etappe.events.vocabulary import TYPES
from etappe.importing.judging import traffic
from etappe.settings import Settings, Traffic

START = datetime(2026, 1, 1, tzinfo=UTC)
THREE = Settings(traffic=Traffic(events_per_minute=3))


def _rows(*rows: tuple[float, bytes | None, str, dict[str, Any] | str | None]) -> pl.DataFrame:
    """Rows of (seconds, subject, event, properties)."""
    return pl.DataFrame(
        {
            "line": list(range(len(rows))),
            "time": [START + timedelta(seconds=row[0]) for row in rows],
            "subject": [row[1] for row in rows],
            "event": [row[2] for row in rows],
            "order_id": [None] * len(rows),
            "properties": [
                row[3] if isinstance(row[3], str | None) else msgspec.json.encode(row[3]).decode() for row in rows
            ],
        },
        schema_overrides={
            "time": pl.Datetime("us", "UTC"),
            "subject": pl.Binary,
            "properties": pl.String,
            "order_id": pl.String,
        },
    )


def _flags(rows: pl.DataFrame, settings: Settings = THREE) -> list[str | None]:
    flagged = traffic.flagged(rows, settings)
    assert flagged.drop("flag").equals(rows)
    return flagged["flag"].to_list()


@pytest.mark.parametrize("name", ["view_item", "email_open", "purchase", "set_traits", "ignore"])
def test_reasons_are_those_of_single_events(name: str) -> None:
    """Each row gets the flag that the event would get if it came alone."""
    said: list[dict[str, Any] | None] = [
        None,
        {},
        {"session": "s"},
        {"staff": True},
        {"staff": "true"},
        {"traffic_type": "internal"},
        {"user_agent": "Mozilla/5.0"},
        {"user_agent": "Googlebot/2.1"},
        {"user_agent": "via GoogleImageProxy", "nested": {"staff": True}},
        {"nested": {"staff": True}},
        {"user_agent": None},
    ]
    alone = [rules.flag_of(msgspec.convert({"item_id": "i", "properties": one}, TYPES[name])) for one in said]
    rows = _rows(*((100.0 * place, b"s", name, one) for place, one in enumerate(said)))
    assert _flags(rows) == alone


def test_letters_written_as_numbers() -> None:
    r"""JSON that writes a letter of a name as \u0061 says the same."""
    assert _flags(_rows((0, b"s", "view_item", '{"st\\u0061ff": true}'))) == ["staff"]


def test_too_many_in_a_minute() -> None:
    """All but the first by time are flagged; a minute begins where a clock's does, and each subject has its own."""
    rows = _rows(
        (50, b"a", "view_item", None),
        (20, b"a", "view_item", None),
        (20, b"a", "search", None),
        (10, b"a", "view_item", None),
        (59.9, b"a", "view_item", None),
        (60, b"a", "view_item", None),
        *((30, b"b", "view_item", None) for _ in range(3)),
        *((30, None, "view_item", None) for _ in range(5)),
    )
    assert _flags(rows) == ["rate", None, None, None, "rate", None, *[None] * 8]


def test_rows_of_one_line_are_counted_each() -> None:
    """A line that became several events is several."""
    rows = _rows(*((0, b"a", "view_item", None) for _ in range(5))).with_columns(line=pl.lit(7))
    assert _flags(rows) == [None, None, None, "rate", "rate"]


def test_lines_of_orders_do_not_count() -> None:
    """A wholesale order has hundreds of lines in one minute, beside which browsing is what it is; bots count apart."""
    rows = _rows(
        *((1, b"a", "purchase", None) for _ in range(10)),
        *((2, b"a", "view_item", {"user_agent": "Googlebot/2.1"}) for _ in range(4)),
        *((3, b"a", "view_item", None) for _ in range(4)),
    )
    assert _flags(rows) == [None] * 10 + ["bot"] * 4 + [None] * 3 + ["rate"]


def test_no_rows() -> None:
    """Nothing gives nothing."""
    assert _flags(_rows()) == []


def test_a_flood_of_orders_is_flagged() -> None:
    """All purchases of a day with more orders than one customer may have are flagged; other flags stay."""
    few = Settings(traffic=Traffic(orders_per_day=2))
    rows = _rows(
        *((3600.0 * number, b"m", "purchase", {"staff": True} if number == 3 else None) for number in range(4)),
        (9.0, b"m", "view_item", None),
        (10.0, b"x", "purchase", None),
    )
    assert _flags(rows, few) == ["flood", "flood", "flood", "staff", None, None]
