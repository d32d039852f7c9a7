"""Catalogue files: items as partial changes."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError
from etappe.importing.catalogue import items
from etappe.importing.judging.report import ItemsReport
from etappe.settings import Catalogue, Settings

BERLIN = Settings(catalogue=Catalogue(time_zone="Europe/Berlin"))


def _bring(path: Path, settings: Settings = BERLIN, **options: Any) -> tuple[ItemsReport, list[ItemPatch]]:
    got: list[ItemPatch] = []
    given = {"upsert": got.extend, "rejected": path.parent / "rejected", "settings": settings} | options
    report = items.import_items(path, **given)
    assert report.rows == report.items + sum(report.rejected.values())
    return report, got


def _write(path: Path, text: str) -> Path:
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    """Cells are fields of their kind, empty ones change nothing, others are attributes; objects are JSON."""
    text = (
        "id,title,price,available,available_from,prices,colour,\n"
        'A,Mug,2.5,false,2025-01-01T00:00:00,"{""USD"": 3}",red,\n'
        "B,,,,,,,\n"
    )
    report, got = _bring(_write(tmp_path / name, text))
    first = ItemPatch(
        id="A", title="Mug", price=2.5, available=False, prices={"USD": 3.0}, attributes={"colour": "red"},
        available_from=datetime(2024, 12, 31, 23, tzinfo=UTC),
    )  # fmt: skip
    assert got == [first, ItemPatch(id="B")]
    assert (report.rows, report.items, report.rejected_file) == (2, 2, None)


def test_json(tmp_path: Path) -> None:
    """A null takes a field back; unknown keys join the attributes; kinds are strict."""
    lines = [
        '{"id": "A", "price": null, "size": 4, "attributes": {"colour": "red"}}',
        '{"id": "B", "price": "2"}',
        '{"id": 3}',
        "{}",
        "[]",
        '{"id": "C", "price": -1}',
    ]
    report, got = _bring(_write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert got == [ItemPatch(id="A", price=None, attributes={"size": 4, "colour": "red"})]
    assert report.rejected == {
        "price: expected `float | null`, got `str`": 1,
        "id: expected `str`, got `int`": 1,
        "id: missing": 1,
        "line: expected `object`, got `array`": 1,
        "price: expected `float` >= 0.0": 1,
    }


def test_parquet(tmp_path: Path) -> None:
    """Numbers that are ids become text, gaps and NaN are absent, lists become attributes."""
    frame = pl.DataFrame({"id": [1, 2], "price": [1.5, float("nan")], "tags": [["x"], None], "brand": [None, "b"]})
    frame.write_parquet(tmp_path / "a.parquet")
    _, got = _bring(tmp_path / "a.parquet")
    assert got == [ItemPatch(id="1", price=1.5, attributes={"tags": ["x"]}), ItemPatch(id="2", brand="b")]


def test_rejected_rows(tmp_path: Path) -> None:
    """Bad rows are in a file with line, reason and cells."""
    report, got = _bring(_write(tmp_path / "a.csv", "id,price,titles\nA,nan,\nB,1,x\n,1,\nC,1,,2\n"))
    assert got == []
    text = (tmp_path / "rejected" / "a-items.jsonl").read_text()
    assert report.rejected_file == str(tmp_path / "rejected" / "a-items.jsonl")
    assert [line.partition('","row"')[0] for line in text.splitlines()] == [
        '{"line":2,"reason":"price: expected `float` >= 0.0',
        '{"line":3,"reason":"titles: not a JSON object',
        '{"line":4,"reason":"id: missing',
        '{"line":5,"reason":"line: more cells than the header names',
    ]


def test_column_named_as_ours(tmp_path: Path) -> None:
    """A column of the file may be called line."""
    _, got = _bring(_write(tmp_path / "a.csv", "line,id\n7,A\n"))
    assert got == [ItemPatch(id="A", attributes={"line": "7"})]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_id(tmp_path: Path, kind: str) -> None:
    """Without a column id the file is refused, naming the columns it has."""
    path = tmp_path / f"a.{kind}"
    frame = pl.DataFrame({"sku": ["A"]})
    (frame.write_csv if kind == "csv" else frame.write_parquet)(path)
    with pytest.raises(InputError, match="'id' is missing; found 'sku'"):
        _bring(path)


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that is damaged at its end changes no item."""
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n" + b"A\n" * 200_000)[:-9])
    got: list[ItemPatch] = []
    with pytest.raises(InputError, match="damaged or cut off"):
        _bring(path, upsert=got.extend)
    assert (got, list((tmp_path / "rejected").iterdir())) == ([], [])


def test_thousands_at_a_time(tmp_path: Path) -> None:
    """Items are handed over in order, in lists of bounded length."""
    sizes: list[int] = []
    ids: list[str] = []

    def upsert(patches: list[ItemPatch]) -> None:
        sizes.append(len(patches))
        ids.extend(patch.id for patch in patches)

    _bring(_write(tmp_path / "a.csv", "id\n" + "".join(f"i{n}\n" for n in range(12_000))), upsert=upsert)
    assert (sizes, ids) == ([5000, 5000, 2000], [f"i{n}" for n in range(12_000)])
