"""A simulated shop as files, ready for `etappe import-items` and `etappe import`, and read again to play on."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import polars as pl
from polars.io.plugins import register_io_source

from etappe.errors import InputError
from etappe.simulation.goods import catalogue
from etappe.simulation.page import page
from etappe.simulation.pictures import draw
from etappe.simulation.pictures import name as picture_name
from etappe.simulation.shop import Shop
from etappe.simulation.world import Size

_SIZE = "world.json"
_LINES = msgspec.json.Encoder().encode_lines


class Files(msgspec.Struct, frozen=True):
    """Where the shop was written; see docs/simulation.md."""

    items: Path
    content: Path
    events: Path
    responses: Path
    truth: Path
    pictures: Path
    page: Path

    @classmethod
    def within(cls, out: Path) -> "Files":
        """The files of a shop in the folder `out`."""
        return cls(
            items=out / "items.jsonl",
            content=out / "content.jsonl",
            events=out / "events.parquet",
            responses=out / "responses.parquet",
            truth=out / "truth",
            pictures=out / "pictures",
            page=out / "shop.html",
        )


def write(shop: Shop, out: Path) -> Files:
    """Writes the shop into the folder `out`; files of an earlier shop there are replaced, each as a whole.

    Raises:
        InputError: the folder cannot be made or written.
    """
    files = Files.within(out)
    with _explained(out):
        files.truth.mkdir(parents=True, exist_ok=True)
        (files.truth / _SIZE).unlink(missing_ok=True)
        write_told(shop, out)
        _write_whole(files.content, lambda path: path.write_bytes(_LINES(shop.content)))
        _write_whole(files.responses, lambda path: _stream(shop.response_frames(), path))
        for name, frames in shop.truth.frames():
            _write_whole(files.truth / f"{name}.parquet", partial(_stream, frames))
        _draw(shop, files.pictures)
        _write_whole(files.page, lambda path: path.write_text(page(shop), encoding="utf-8"))
        _write_whole(files.truth / _SIZE, lambda path: path.write_bytes(msgspec.json.encode(shop.size)))
    return files


def write_told(shop: Shop, out: Path) -> Files:
    """Writes the catalogue and the events alone, as `write` does."""
    files = Files.within(out)
    with _explained(out):
        out.mkdir(parents=True, exist_ok=True)
        _write_whole(files.items, lambda path: path.write_bytes(_LINES(shop.items)))
        _write_whole(files.events, lambda path: _stream(shop.event_frames(), path))
    return files


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{out} cannot be written: {why}; name another folder", field="out") from error


def size_of(out: Path) -> Size | None:
    """The size of the shop that was written, to the end, into the folder `out`; None where there is none.

    Raises:
        InputError: what is there is damaged.
    """
    path = Files.within(out).truth / _SIZE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Size)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged ({error}); simulate the shop anew", field="out") from error


def _draw(shop: Shop, folder: Path) -> None:
    """A picture for each look; items that look alike share one."""
    world = shop.story.world
    folder.mkdir(exist_ok=True)
    looks = {catalogue.look(world.goods, world.assortment, row) for row in range(len(world.goods))}
    for look in sorted(looks):
        (folder / picture_name(look)).write_text(draw(look), encoding="utf-8")


def _stream(frames: Iterator[pl.DataFrame], path: Path) -> None:
    """Writes frames one after the other, holding few at a time."""
    first = next(frames)

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        del with_columns, predicate, n_rows, batch_size  # all of it is asked for
        yield first
        yield from frames

    register_io_source(source, schema=first.schema).sink_parquet(path, maintain_order=True)


def _write_whole(path: Path, write_to: Callable[[Path], object]) -> None:
    """The file appears under its name only when all of it is written."""
    unfinished = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write_to(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
