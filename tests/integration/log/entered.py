"""Small rows in a log, and what of them can be read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

from etappe.log import Log, as_rows

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def rows(*names: str, subject: bytes | None = b"s", days: int = 0, price: float = 1.0) -> pl.DataFrame:
    """Events with these ids, `days` after BEGIN."""
    columns = {
        "event_id": list(names),
        "event": ["view_item"] * len(names),
        "time": [BEGIN + timedelta(days=days)] * len(names),
        "subject": [subject] * len(names),
        "price": [price] * len(names),
    }
    return as_rows("event", columns)


def add(log: Log, *names: str, streams: dict[str, str] | None = None, days: int = 0) -> None:
    """Commits events with these ids."""
    with log.transaction("test") as into:
        into.add("event", rows(*names, days=days))
        into.streams = streams or {}


def ids(frame: pl.LazyFrame) -> list[str]:
    """The event ids, in order."""
    return frame.collect()["event_id"].to_list()


def parquet(log: Log) -> list[str]:
    """The files that are there, live or not."""
    return sorted(str(path.relative_to(log.folder)) for path in log.folder.rglob("*.parquet"))


def unseal(log: Log) -> Log:
    """The log with commits as a version wrote them that noted neither sizes nor checksums."""
    for path in (log.folder / "commits").glob("[0-9]*.json"):
        commit = msgspec.json.decode(path.read_bytes())
        for file in commit["files"]:
            del file["bytes"], file["sha256"]
        path.write_bytes(msgspec.json.encode(commit))
    return Log(log.folder)


def cut(path: Path) -> None:
    """Cuts a file off in its middle."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    """Changes one byte of a file's rows: what it says of itself at its end stays right."""
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
