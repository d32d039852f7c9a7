"""An import as a whole: all of it or nothing, in bounded portions, with errors of one line."""

import gzip
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etappe.errors import EtappeError, InputError, SettingsError
from etappe.importing.entering import spool
from etappe.importing.reading import lines
from etappe.settings import Catalogue, Settings

HEADER = "event,timestamp,user_id,item_id\n"


def _file(path: Path, count: int = 50, days: int = 7) -> Path:
    """`count` views on `days` days, each row twice."""
    rows = [f"view_item,2025-01-{1 + n % days:02d}T00:00:00Z,u{n % 5},i{n % 3}\n" for n in range(count)]
    path.write_text(HEADER + "".join(rows * 2))
    return path


@pytest.mark.parametrize(("batch", "portion"), [(1, 1), (7, 10), (33, 3), (1000, 1000)])
def test_sizes_change_nothing(
    shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, portion: int
) -> None:
    """In whatever batches a file is read and written, its events and their ids are the same."""
    path = _file(tmp_path / "a.csv")
    shop.bring(path)
    whole = shop.events()
    monkeypatch.setattr(lines, "BATCH", batch)
    monkeypatch.setattr(spool, "ROWS_AT_ONCE", portion)
    other = type(shop)(tmp_path / "other")
    other.bring(path)
    columns = ["event_id", "time", "subject", "item_id"]
    assert whole.select(columns).sort(columns).equals(other.events().select(columns).sort(columns))
    assert other.bring(path).duplicates == 100


def test_log_agrees(shop: Any, tmp_path: Path) -> None:
    """The events told are those that the log holds, each once."""
    report = shop.bring(_file(tmp_path / "a.csv"))
    assert (report.events["view_item"], shop.events().height, shop.log.events().collect().height) == (100, 100, 100)


def test_sources_and_position(shop: Any, tmp_path: Path) -> None:
    """The commit and its rows name the format they came by."""
    shop.bring(_file(tmp_path / "a.csv"))
    assert [commit.source for commit in shop.log.commits()] == ["import:native"]
    assert shop.events()["source"].unique().to_list() == ["import:native"]


def test_failing_catalogue(shop: Any, tmp_path: Path) -> None:
    """Where the catalogue cannot be written, the log has nothing of the file, and no half-made file stays."""

    def fail(items: list) -> None:
        raise EtappeError("no Redis")

    with pytest.raises(EtappeError, match="no Redis"):
        shop.bring(_file(tmp_path / "a.csv"), upsert=fail)
    assert (shop.log.position(), shop.events().height, shop.leftovers()) == (0, 0, [])
    assert shop.bring(_file(tmp_path / "a.csv")).events == {"view_item": 100}


def test_damage_far_into_the_file(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that turns out damaged after many good rows leaves no trace."""
    monkeypatch.setattr(lines, "BATCH", 10)
    path = _file(tmp_path / "a.csv", count=5000)
    path.write_bytes(path.read_bytes() + "view_item,2025-01-01,ü,i\n".encode() + b"view_item,2025-01-01,\xff,i\n")
    with pytest.raises(InputError, match="it is UTF-8 text, but line 10003 holds"):
        shop.bring(path)
    assert (shop.log.position(), shop.items, shop.leftovers()) == (0, [], [])


def test_unknown_format(shop: Any, tmp_path: Path) -> None:
    """An unknown format is refused with the names there are."""
    with pytest.raises(InputError, match="'excel'; there are native, online-retail, rees46"):
        shop.bring(_file(tmp_path / "a.csv"), "excel")


def test_unknown_time_zone(shop: Any, tmp_path: Path) -> None:
    """A time zone that does not exist is refused before anything is read."""
    settings = Settings(catalogue=Catalogue(time_zone="Mars/Olympus"))
    with pytest.raises(SettingsError, match="Mars/Olympus"):
        shop.bring(_file(tmp_path / "a.csv"), settings=settings)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "does not exist"),
        ("empty.csv", b"", "is empty"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("a.csv", b"<rss/>", r"is an XML feed; this import reads columns \(CSV or a spreadsheet\), JSON"),
        ("a.xlsx", b"PK", "'event', 'timestamp' are missing; found 'PK'"),
        ("cut.csv.gz", gzip.compress(HEADER.encode() * 1000, mtime=0)[:-9], "damaged or cut off"),
        ("bad.csv.gz", b"\x1f\x8bno gzip at all", "damaged or cut off"),
        ("bad.csv.zst", b"\x28\xb5\x2f\xfdno zstd at all", "damaged or cut off"),
        ("bad.parquet", b"PAR1 this is none PAR1", "cannot be read"),
        ("polish.csv", b"event,timestamp\nview_item,m\xb3otek\n", "line 2 reads 'm³otek' as cp1252, .*as cp1250"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\0\0", "it is no text"),
        ("caret.csv", b"event^timestamp\n", "are missing; found 'event.timestamp'; .* as in sep="),
    ],
)
def test_files_that_are_none(shop: Any, tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    """Whatever is no file of events is one clear line, and leaves nothing behind."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        shop.bring(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert (shop.log.position(), shop.leftovers()) == (0, [])


def test_folder(shop: Any, tmp_path: Path) -> None:
    """A folder is refused."""
    with pytest.raises(InputError, match="is a folder"):
        shop.bring(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_no_permission(shop: Any, tmp_path: Path) -> None:
    """A file that may not be read is refused, and the remedy named."""
    path = _file(tmp_path / "a.csv")
    path.chmod(0)
    with pytest.raises(InputError, match="permissions"):
        shop.bring(path)


def test_rejected_folder_in_the_way(shop: Any, tmp_path: Path) -> None:
    """Where rejected rows cannot be written, nothing is imported, and the place is named."""
    shop.rejected.write_text("a file")
    with pytest.raises(EtappeError, match="nothing was imported"):
        shop.bring(_file(tmp_path / "a.csv"))
    assert shop.log.position() == 0


def test_only_a_header(shop: Any, tmp_path: Path) -> None:
    """A file without rows is an import of nothing, and no commit."""
    path = tmp_path / "a.csv"
    path.write_text(HEADER)
    report = shop.bring(path)
    assert (report.rows, report.position, report.rejected_file) == (0, 0, None)


def test_progress(shop: Any, tmp_path: Path) -> None:
    """Progress tells the stages, and the rows read so far."""
    told: list[tuple[str, int]] = []
    shop.bring(_file(tmp_path / "a.csv"), progress=lambda what, done, total=0: told.append((what, done)))
    assert told == [("reading rows", 100), ("writing the log", 1), ("writing the catalogue", 3)]


def test_known_days_only(shop: Any, tmp_path: Path) -> None:
    """A file with more days than the log has adds what is new, whatever else is there."""
    shop.bring(_file(tmp_path / "a.csv", days=3, count=10))
    more = _file(tmp_path / "b.csv", days=3, count=10)
    more.write_text(more.read_text() + "view_item,2024-01-01,u,i\nview_item,2025-01-01,u,i\n")
    report = shop.bring(more)
    assert (report.events, report.duplicates) == ({"view_item": 2}, 20)
    assert shop.log.scan("event").filter(pl.col("user_id") == "u").collect().height == 2


def test_several_files(shop: Any, tmp_path: Path) -> None:
    """Files come in together as they would one by one: each event once, each rejected row with its file and line."""
    rows = ["view_item,2025-01-01T00:00:00Z,u1,i1\n"] * 2 + ["view_item,2025-01-02T00:00:00Z,u1,i2\n"]
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text(HEADER + "".join(rows))
    second.write_text((HEADER + "".join(rows[:2]) + "bought,2025-01-02,u,i\n").replace(",", ";"))
    report = shop.bring([first, second])
    assert (report.rows, report.events, report.duplicates) == (6, {"view_item": 3}, 2)
    assert [(row["file"], row["line"]) for row in shop.refused(report)] == [(str(second), 4)]
    one_by_one = type(shop)(tmp_path / "other")
    for path in (first, second):
        one_by_one.bring(path)
    ids = [sorted(each.events()["event_id"].to_list()) for each in (shop, one_by_one)]
    assert ids[0] == ids[1]


def test_several_or_none(shop: Any, tmp_path: Path) -> None:
    """Where one of several files cannot be read, nothing of the others is in the log."""
    bad = tmp_path / "b.csv"
    bad.write_text("sku\n1\n")
    with pytest.raises(InputError, match=r"b\.csv: column 'event', 'timestamp' are missing"):
        shop.bring([_file(tmp_path / "a.csv"), bad])
    assert (shop.log.position(), shop.leftovers()) == (0, [])


def test_how_files_were_read_is_told(shop: Any, tmp_path: Path) -> None:
    """The report says what was recognised; with several files, of which one."""
    path = tmp_path / "a.csv"
    path.write_bytes((HEADER + "view_item,2025-01-01T00:00:00Z,Jürgen,i1\n").encode("cp1252"))
    assert "Windows-1252" in shop.bring(path).remarks[0]
    [said] = shop.bring([path, _file(tmp_path / "b.csv")]).remarks
    assert said.startswith(f"{path}: read as Windows-1252")
    assert shop.bring(path, encoding="cp1252").remarks == []
