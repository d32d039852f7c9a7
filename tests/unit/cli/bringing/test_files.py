"""What is said of an import."""

import pytest

from etappe.cli.bringing import files
from etappe.importing.judging.report import ImportReport, Revenue, Skipped


def _report(**named: object) -> ImportReport:
    """An import of one row, of which nothing came in."""
    none = Revenue(purchases="0.00", refunds="0.00", skipped="0.00", rejected="0.00", total="0.00")
    fields = {"rows": 1, "events": {}, "derived": 0, "duplicates": 0, "rejected": {}, "skipped": {}, "revenue": none}
    counted = {"items": 0, "customers": 0, "position": 1, "seconds": 0.1, "rejected_file": None}
    return ImportReport(**{**fields, **counted, **named})


def test_rows_that_were_all_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    """Where no row was rejected no file of rejected rows is spoken of."""
    report = _report(skipped={"test": Skipped(rows=1, revenue="0.00")})
    assert files.told(report, strict=False, json=True) == files.NOTHING_DONE
    said = capfd.readouterr().err
    assert "all of them were left out" in said
    assert "None" not in said


def test_rows_that_were_all_rejected(capfd: pytest.CaptureFixture[str]) -> None:
    """Where rows were rejected the file that says why is named."""
    report = _report(rejected={"price: missing": 1}, rejected_file="rejected/a.jsonl")
    assert files.told(report, strict=False, json=True) == files.NOTHING_DONE
    assert "rows were rejected; rejected/a.jsonl says which and why" in capfd.readouterr().err
