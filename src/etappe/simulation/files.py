"""A simulated shop as files, ready for `etappe import-items` and `etappe import`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.simulation.shop import Shop


class Files(msgspec.Struct, frozen=True):
    """Where the shop was written: one item's JSON a line, native events, and the folder of the truth."""

    items: Path
    events: Path
    truth: Path


def write(shop: Shop, out: Path) -> Files:
    """Writes the shop into the folder `out`; files of an earlier shop there are replaced, each as a whole.

    Raises:
        InputError: the folder cannot be made or written.
    """
    files = Files(items=out / "items.jsonl", events=out / "events.parquet", truth=out / "truth")
    try:
        files.truth.mkdir(parents=True, exist_ok=True)
        _write_whole(files.items, lambda file: _write_items(shop.items, file))
        _write_whole(files.events, shop.events.write_parquet)
        for name, frame in shop.truth.frames().items():
            _write_whole(files.truth / f"{name}.parquet", frame.write_parquet)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}; name another folder") from error
    return files


def _write_items(items: tuple[Item, ...], file: BinaryIO) -> None:
    file.write(msgspec.json.Encoder().encode_lines(items))


def _write_whole(path: Path, write_to: Callable[[BinaryIO], None]) -> None:
    """The file appears under its name only when all of it is written."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            write_to(file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
