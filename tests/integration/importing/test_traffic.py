"""Unwanted traffic in imported files: flagged and kept."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.importing.entering import spool
from etappe.importing.reading import lines
from etappe.settings import Settings, Traffic

THREE = Settings(traffic=Traffic(events_per_minute=3))
HEADER = "event,timestamp,user_id,item_id,properties\n"


def _fast(path: Path) -> Path:
    """Per customer of 20, five views in one minute, in the order of time; then a view of a bot."""
    rows = [f"view_item,2025-01-01T00:00:0{n}Z,u{user},i,\n" for n in range(5) for user in range(20)]
    path.write_text(
        HEADER + "".join(rows) + 'view_item,2025-01-02T00:00:00Z,u0,i,"{""user_agent"": ""Googlebot/2.1""}"\n'
    )
    return path


@pytest.mark.parametrize("size", [7, 30, 1000])
def test_flagged_rows_are_kept(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """All rows are in the log, the fast ones and the bot's with their flags, in whatever portions a day comes."""
    monkeypatch.setattr(spool, "ROWS_AT_ONCE", size)
    monkeypatch.setattr(lines, "BATCH", size)
    report = shop.bring(_fast(tmp_path / "a.csv"), settings=THREE)
    assert (report.events, report.flagged) == ({"view_item": 101}, {"rate": 40, "bot": 1})
    events = shop.events()
    late = events.filter(pl.col("time").dt.second() >= 3)
    assert late["flag"].to_list() == ["rate"] * 40
    assert events.filter(pl.col("flag").is_null()).height == 60


def test_a_second_import_flags_nothing(shop: Any, tmp_path: Path) -> None:
    """Rows that the log has are neither added nor counted again."""
    path = _fast(tmp_path / "a.csv")
    shop.bring(path, settings=THREE)
    report = shop.bring(path, settings=THREE)
    assert (report.duplicates, report.flagged, shop.events()["flag"].count()) == (101, {}, 41)
