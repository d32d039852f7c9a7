"""A log and a catalogue of its own for each test, and files to import."""

from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.importing import run
from etappe.importing.judging.report import ImportReport
from etappe.log import Log
from etappe.settings import Settings

SECRET = b"secret of a test" * 2


class Shop:
    """What an import writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log(folder / "log")
        self.log.prepare()
        self.items: list[ItemPatch] = []
        self.rejected = folder / "rejected"

    def bring(self, path: Path, form: str = "native", **options: Any) -> ImportReport:
        """Imports `path`; the report's numbers must reconcile."""
        given = {"upsert": self.items.extend, "settings": Settings()} | options
        report = run.import_events(path, form, log=self.log, secret=SECRET, rejected=self.rejected, **given)
        skipped = sum(one.rows for one in report.skipped.values())
        told = sum(report.events.values()) + report.duplicates + sum(report.rejected.values()) + skipped
        assert report.rows == told
        assert len(self.refused(report)) == sum(report.rejected.values())
        assert self.log.position() == report.position
        return report

    def refused(self, report: ImportReport) -> list[dict[str, Any]]:
        """The rows of the report's file of rejected rows."""
        if report.rejected_file is None:
            return []
        return msgspec.json.decode(b"[" + b",".join(Path(report.rejected_file).read_bytes().splitlines()) + b"]")

    def events(self) -> pl.DataFrame:
        """The log's events."""
        return self.log.scan("event").collect()

    def leftovers(self) -> list[Path]:
        """Files and folders that an import left and nobody asked for."""
        found = [*self.log.folder.glob(".import-*"), *(self.log.folder / ".staging").iterdir()]
        return [*found, *self.rejected.glob(".*")]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop."""
    return Shop(tmp_path / "shop")
