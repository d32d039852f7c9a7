"""The physical lines of a text file in bounded batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.importing.reading import failures
from etappe.importing.reading import source as sources_
from etappe.importing.reading.source import Source
from etappe.importing.reading.text import texts
from etappe.importing.reading.text.encodings import Encoding
from etappe.importing.reading.text.signs import Notes

BATCH: Final = 131_072
"""Lines or rows handled at once: large enough for vectors, small enough for memory."""

_BYTE_ORDER_MARK: Final = "\ufeff"


def batches(file: Path) -> Iterator[pl.DataFrame]:
    """Frames of (line: Int64 from 1, text: String), at most `BATCH` lines each.

    Raises:
        InputError: the file cannot be read or is damaged, or a line is too long.
    """
    source = sources_.of(file)
    text = source.dialect.text
    if text is None:
        return
    for batch in _as_it_is(source, text) if text.plain and not source.small else _mended(source, text):
        yield batch.with_columns(pl.col("line").cast(pl.Int64))


def _as_it_is(path: Path, text: Encoding) -> Iterator[pl.DataFrame]:
    """The lines of a file in which there is nothing to mend, which is the fastest way."""
    with failures.reading(path):
        lines = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1, glob=False)
        for batch in lines.collect_batches(chunk_size=BATCH, lazy=True):
            yield batch.with_columns(_unmarked()) if text.mark and batch["line"][0] == 1 else batch


def _unmarked() -> pl.Expr:
    text = pl.col("text")
    return pl.when(pl.col("line") == 1).then(text.str.strip_prefix(_BYTE_ORDER_MARK)).otherwise(text).alias("text")


def _mended(source: Source, text: Encoding) -> Iterator[pl.DataFrame]:
    notes, before = Notes(), 0
    for block in texts.blocks(source, text, notes):
        with failures.reading(source):
            whole = pl.read_lines(block, name="text", row_index_name="line", row_index_offset=before + 1)
        before += whole.height
        yield from whole.iter_slices(BATCH)
    source.note(*notes.remarks())
