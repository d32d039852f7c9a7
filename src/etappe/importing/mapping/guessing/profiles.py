"""What stands in the columns of a file: types, examples, and how dates and decimals are written."""

from collections.abc import Iterable
from typing import Final

import msgspec
import polars as pl

from etappe.importing.mapping.naming import words
from etappe.importing.mapping.row_cells import completed
from etappe.importing.reading.batch import Batch, Broken
from etappe.values import money, times
from etappe.values.money import Mark
from etappe.values.times import Order

EMPTY: Final = "empty"
TEXT: Final = "text"
WHOLE: Final = "whole number"
NUMBER: Final = "number"
TIME: Final = "time"
CLOCK: Final = "clock"
EMAIL: Final = "e-mail"
LINK: Final = "link"
YES_NO: Final = "yes or no"
OBJECT: Final = "object"

_DISTINCT: Final = 50_000
_MOSTLY: Final = 0.5
"""A price that every other row lacks is one nevertheless; the rows that have none are told."""
_FEW: Final = 40
_ISO: Final = r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?$"
_TURNED: Final = r"^\d{1,2}([/.-])\d{1,2}[/.-](?:\d{4}|\d\d)(?:,?[T ].*)?$"
_EPOCH: Final = r"^\d{10}(?:\.\d+)?$|^\d{13}$|^\d{16}$"
_TIMES: Final = (("iso", _ISO), ("turned", _TURNED), ("epoch", _EPOCH))
_CURRENCY: Final = r"(?:[A-Za-z]{3}\s+|[€$£¥]\s*|zł\s*|kr\s*|Fr\.?\s*)"
_KINDS: Final = (
    (CLOCK, r"^\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?$"),
    (WHOLE, r"^[+-]?\d+(?:\.0+)?$"),
    (NUMBER, rf"^[+-]?\s*(?:{_CURRENCY})?[+-]?\d[\d.,'\s\u00a0\u202f]*-?(?:\s*(?:[A-Za-z]{{3}}|[€$£¥]|zł|kr|Fr\.?))?$"),
    (EMAIL, r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
    (LINK, r"^https?://\S+$"),
    (OBJECT, r"^\{.*\}$"),
)


class Column(msgspec.Struct, kw_only=True):
    """A column by its content.

    `values` counts the cells of a column of few different ones, `counts` those of any, up to a bound. `mark` and
    `order` are what its numbers and dates tell together, `commas` and `points` how many rows tell which mark,
    `unsure` is a number that tells none and asks for it; `dates`
    how times are written: iso, turned (days or months first), epoch. `pure`: all cells are of the kind, not only nearly
    all.
    """

    name: str
    kind: str
    rows: int
    filled: int
    distinct: int
    examples: list[str]
    values: dict[str, int] = {}
    counts: list[tuple[str, int]] = []
    mark: Mark = Mark.AMBIGUOUS
    order: Order = Order.AMBIGUOUS
    dates: str = ""
    commas: int = 0
    points: int = 0
    unsure: str = ""
    negative: int = 0
    dotted: bool = False
    clocks: bool = False
    zoned: bool = False
    pure: bool = False

    @property
    def unique(self) -> bool:
        """Whether no two rows have the same cell."""
        return self.distinct == self.filled > 0


class Profile(msgspec.Struct):
    """The columns of a file in their order, its rows, and those that could not be split."""

    columns: list[Column]
    rows: int
    broken: list[Broken]

    def named(self, name: str) -> Column:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)


class _Counted:
    """The distinct cells of one column and how many rows have each, up to a bound."""

    def __init__(self) -> None:
        self.counts = pl.DataFrame(schema={"cell": pl.String, "len": pl.UInt32})
        self.filled = 0
        self.over = 0

    def add(self, cells: pl.Series) -> None:
        some = cells.drop_nulls()
        self.filled += len(some)
        found = some.alias("cell").to_frame().group_by("cell", maintain_order=True).len()
        if self.counts.height >= _DISTINCT:
            self.over += found.join(self.counts, on="cell", how="anti").height
            return
        both = pl.concat([self.counts, found])
        self.counts = both.group_by("cell", maintain_order=True).agg(pl.col("len").sum())


def of(header: list[str], batches: Iterable[Batch]) -> Profile:
    """The profile of all rows."""
    counted = {name: _Counted() for name in header}
    rows, broken = 0, []
    for batch in batches:
        frame = completed(batch.rows, header)
        rows += frame.height
        broken += batch.broken
        for name, column in counted.items():
            column.add(frame[name])
    return Profile([_column(name, one, rows) for name, one in counted.items()], rows, broken)


def _column(name: str, counted: _Counted, rows: int) -> Column:
    cells = counted.counts["cell"]
    kind, dates, pure = _kind(counted.counts)
    column = Column(
        name=name,
        kind=kind,
        rows=rows,
        filled=counted.filled,
        distinct=counted.counts.height + counted.over,
        examples=cells.head(3).to_list(),
        dates=dates,
        pure=pure,
        counts=list(counted.counts.iter_rows()),
    )
    if 0 < counted.counts.height <= _FEW:
        column.values = dict(counted.counts.sort("len", descending=True, maintain_order=True).iter_rows())
    if kind in (NUMBER, WHOLE, YES_NO):
        told = [(money.told_by(cell), count) for cell, count in column.counts]
        column.commas = sum(count for mark, count in told if mark is Mark.COMMA)
        column.points = sum(count for mark, count in told if mark is Mark.POINT)
        unsure = (cell for (mark, _), cell in zip(told, cells, strict=True) if mark is Mark.AMBIGUOUS)
        column.unsure = next(unsure, "")
        column.mark = money.both(bool(column.points), bool(column.commas))
        column.negative = counted.counts.filter(pl.col("cell").str.contains(r"^[^\d]*-|-$")).height
    if kind == TIME and dates == "turned":
        column.order = times.order_of(cells.to_list())
        column.dotted = bool(cells.str.contains(r"^\d{1,2}\.\d{1,2}\.").all())
    if kind == TIME:
        column.clocks = dates == "epoch" or bool(cells.str.contains(r"\d:\d\d").any())
        column.zoned = dates == "epoch" or bool(
            cells.str.contains(r"(?:[Zz]|UTC|GMT|:\d\d ?[+-]\d\d(?::?\d\d)?)$").all()
        )
    return column


def _kind(counts: pl.DataFrame) -> tuple[str, str, bool]:
    """What nearly all cells are, how times are written, and whether all cells are so."""
    total = int(counts["len"].sum())
    if not total:
        return EMPTY, "", True

    def share(pattern: str) -> float:
        return int(counts.filter(pl.col("cell").str.contains(pattern))["len"].sum()) / total

    for dates, pattern in _TIMES:
        if share(pattern) >= _MOSTLY and (dates != "epoch" or _plausible(counts["cell"].head(100).to_list())):
            return TIME, dates, share(pattern) == 1
    found, pattern = next(((kind, one) for kind, one in _KINDS if share(one) >= _MOSTLY), (TEXT, ""))
    if counts.height <= _FEW and found in (TEXT, WHOLE) and all(map(_answers, counts["cell"])):
        return YES_NO, "", True
    return found, "", share(pattern) == 1


def _answers(cell: str) -> bool:
    return words.yes_no(cell) is not None and not cell.startswith(("-", "+"))


def _plausible(cells: list[str]) -> bool:
    """Whether numbers since 1970 lie between 2000 and tomorrow."""
    for cell in cells:
        try:
            times.read(cell)
        except ValueError:
            return False
    return True
