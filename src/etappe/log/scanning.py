"""Reading live files: every row with the commit it came in with, in the order in which rows arrived."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from etappe.log import schema
from etappe.log.state import LogFile

COMMIT: Final = "commit"
_PATH: Final = "$path"


def scan(
    log: Path, table: str, files: Sequence[LogFile], position: int | None = None, *, strict: bool = False
) -> pl.LazyFrame:
    """The rows of `files` behind one another, those up to commit `position`, with the columns of `table` and COMMIT.

    Columns that this version does not know are left out; reading fails on them where it is `strict`.
    """
    columns = schema.TABLES[table].copy()
    columns[COMMIT] = pl.Int64()
    some = [file for file in files if position is None or file.first <= position]
    if not some:
        return pl.LazyFrame(schema=columns)
    rows = pl.scan_parquet(
        [log / file.path for file in some],
        schema=columns,
        missing_columns="insert",
        extra_columns="raise" if strict else "ignore",
        hive_partitioning=False,
        glob=False,
        include_file_paths=_PATH,
    )
    stamped = rows.with_columns(_commit(log, some)).drop(_PATH)
    if position is None or all(file.last <= position for file in some):
        return stamped
    return stamped.filter(pl.col(COMMIT) <= position)


def in_order(rows: pl.LazyFrame, files: Sequence[LogFile]) -> pl.LazyFrame:
    """Rows of `scan` in the order of commits, those of one commit by day; costs nothing where the files lie so."""
    lying = all(_before(one, two) for one, two in itertools.pairwise(files))
    return rows if lying else rows.sort(COMMIT, maintain_order=True)


def arranged(files: Sequence[LogFile]) -> list[LogFile]:
    """Files (by day, each day's in their order) so that `in_order` need not sort, where there is such an order."""
    begun = sorted(files, key=lambda file: (file.first, file.day))
    return begun if all(_before(one, two) for one, two in itertools.pairwise(begun)) else list(files)


def _before(one: LogFile, two: LogFile) -> bool:
    """Whether no row of `two` arrived before a row of `one`."""
    return one.last < two.first or (one.last == two.first and one.day <= two.day)


def _commit(log: Path, files: Sequence[LogFile]) -> pl.Expr:
    """Of the rows of one commit's file it is not in the file, but known."""
    known = {str(log / file.path): file.first for file in files if file.first == file.last}
    said = pl.col(COMMIT)
    if not known:
        return said
    told = pl.col(_PATH).replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Int64)
    return pl.coalesce(said, told).alias(COMMIT)
