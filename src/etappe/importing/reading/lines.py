"""The physical lines of a text file, plain or compressed, in bounded batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from etappe.importing.reading import failures

BATCH: Final = 131_072
"""Lines or rows handled at once: large enough for vectors, small enough for memory."""

_BYTE_ORDER_MARK: Final = "\ufeff"


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """Frames of (line: Int64 from 1, text: String), at most `BATCH` lines each; .gz and .zst are unpacked on the way.

    Raises:
        InputError: the file cannot be read, is damaged, or is not UTF-8.
    """
    with failures.reading(path):
        lines = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1, glob=False)
        for batch in lines.collect_batches(chunk_size=BATCH, lazy=True):
            yield batch.select(pl.col("line").cast(pl.Int64), _unmarked())


def _unmarked() -> pl.Expr:
    text = pl.col("text")
    return pl.when(pl.col("line") == 1).then(text.str.strip_prefix(_BYTE_ORDER_MARK)).otherwise(text).alias("text")
