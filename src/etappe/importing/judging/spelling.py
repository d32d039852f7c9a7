"""How a file writes its ids, amounts and times: columns of its text made canonical, what cannot be read with a reason.

Canonical text stays as it is, which vectors see to. Of all else each different text goes once through the reader that
events over HTTP go through, so that there is one rule.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.judging import times as canonical
from etappe.values import currencies, deciding, ids, money, times
from etappe.values.deciding import Column
from etappe.values.money import Mark
from etappe.values.reading import Reading
from etappe.values.times import Order
from etappe.values.unreadable import ABSENT, Unreadable
from etappe.zones import zone_of

_ID: Final = r"^[!-~](?:[ -~]*[!-~])?$"
_FLOAT: Final = r"\.0+$"
_NUMBER: Final = r"^-?\d{1,15}(?:\.\d{1,12})?$"
_OPEN: Final = r"^-?[1-9]\d{0,2}\.\d{3}$"
_CODE: Final = r"^[A-Z]{3}$"
_MARKS: Final = {Mark.POINT: "a decimal point", Mark.COMMA: "a decimal comma"}
_ORDERS: Final = {Order.DMY: "the day before the month", Order.MDY: "the month before the day"}


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Which columns of a format hold what. `price` may name its currency, which is put into `currency`."""

    ids: tuple[str, ...] = ()
    time: str
    quantity: str
    price: str
    currency: str | None = None
    others: tuple[str, ...] = ()


class Stated(msgspec.Struct, frozen=True):
    """What a command says of values that a file leaves open; `excel` are days as a spreadsheet counts them."""

    dates: Literal["dmy", "mdy", "excel"] | None = None
    decimals: Literal["point", "comma"] | None = None


UNSTATED: Final = Stated()


class Spelling:
    """What one file has told of its spellings so far. `now` bounds numbers since 1970."""

    def __init__(self, reading: Reading, zone: str, now: datetime, stated: Stated = UNSTATED) -> None:
        order = Order(stated.dates) if stated.dates in ("dmy", "mdy") else reading.order
        mark = Mark(stated.decimals) if stated.decimals else reading.decimals
        self.reading = msgspec.structs.replace(reading, order=order, decimals=mark)
        self.zone = zone
        self.now = now
        self._serial = stated.dates == "excel"
        self._file = deciding.amounts(mark)
        self._amounts: dict[str, Column[Mark]] = {}
        self._dates: dict[str, Column[Order]] = {}
        self._days: dict[str, str] = {}

    def payloads(self, name: str) -> Reading:
        """How payloads are read all amounts of which are one column, called `name` in reports."""
        return msgspec.structs.replace(self.reading, amounts=self._amounts.setdefault(name, self._file))

    def read(self, rows: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """`rows` of text with `columns` in canonical spelling, and a `reason` where one cannot be read at all.

        What is no number, no time and no currency stays as it is, for the checks to say so.
        """
        names = set(rows.columns)
        found = rows.with_columns(*_without_space(rows, columns), pl.lit(None, pl.String).alias("reason"))
        for name in columns.ids:
            if name in names:
                found = _mapped(found, name, _is_id(name, self.reading.nobody), self._id)
        if columns.currency is None or columns.currency not in names:
            found = found.with_columns(pl.lit(None, pl.String).alias(_CURRENCY))
        else:
            found = _mapped(found.with_columns(pl.col(columns.currency).alias(_CURRENCY)), _CURRENCY, _CODE, _code)
        for name in (columns.quantity, columns.price):
            if name in names:
                found = self._number(found, name, priced=name == columns.price)
        if columns.currency is not None:
            found = found.with_columns(pl.col(_CURRENCY).alias(columns.currency))
        return self._time(found.drop(_CURRENCY), columns.time) if columns.time in names else found.drop(_CURRENCY)

    @property
    def is_to_be_read_again(self) -> bool:
        """Whether what came later in the file tells that something earlier was read wrong."""
        return any(column.is_to_be_read_again for column in self._columns().values())

    def again(self) -> None:
        """Keeps what the file has told, for reading it once more."""
        for column in {id(column): column for column in (self._file, *self._columns().values())}.values():
            column.again()

    def check(self, path: Path) -> None:
        """Raises InputError where a column's dates cannot be read for certain."""
        for name, column in self._dates.items():
            if column.open and column.rule in (Order.AMBIGUOUS, Order.BOTH):
                why = "none of them tells" if column.rule is Order.AMBIGUOUS else "some tell one, some the other"
                raise InputError(
                    f"{path}: dates in column {name!r} such as {column.example!r} may have day or month first, and"
                    f" {why}; say --dates dmy or --dates mdy, or set values.dates",
                    field=name,
                )

    def told(self) -> dict[str, str]:
        """By column what was decided of it, and why, where its texts left something open."""
        told = self._file.is_told
        marks = {name: _told(column, _MARKS, told or column.is_told) for name, column in self._amounts.items()}
        orders = {name: _told(column, _ORDERS, column.is_told) for name, column in self._dates.items()}
        days = {name: f"{day!r} was read as a day as spreadsheets count them" for name, day in self._days.items()}
        return {name: said for name, said in (marks | orders).items() if said} | days

    def _columns(self) -> dict[str, Column[Mark] | Column[Order]]:
        return {**self._amounts, **self._dates}

    def _id(self, text: str) -> str | None:
        return ids.cleaned(text, self.reading.nobody)

    def _number(self, rows: pl.DataFrame, name: str, *, priced: bool) -> pl.DataFrame:
        if name not in self._amounts:
            self._amounts[name] = deciding.amounts(self.reading.decimals, lambda: self._file.rule)
        column = self._amounts[name]
        plain = pl.col(name).str.contains(_NUMBER) & ~pl.col(name).str.contains(_OPEN)
        odd = rows.filter(~plain).select(name, _CURRENCY).unique()
        texts = odd[name].drop_nulls().to_list()
        if rows.select((plain & pl.col(name).str.contains(".", literal=True)).any()).item():
            column.told[Mark.POINT] += 1
            self._file.told[Mark.POINT] += 1
        if not texts:
            return rows
        self._file.learn(texts)
        column.learn(texts)
        found = [_amount(text, column.rule, code, priced=priced) for text, code in odd.iter_rows()]
        table = odd.with_columns(
            pl.Series("_text", [one[0] for one in found], pl.String),
            pl.Series("_code", [one[1] for one in found], pl.String),
            pl.Series("_why", [one[2] and f"{name}: {one[2]}" for one in found], pl.String),
        )
        joined = rows.join(table, on=[name, _CURRENCY], how="left", maintain_order="left", nulls_equal=True)
        return joined.with_columns(
            pl.coalesce("_text", name).alias(name),
            pl.coalesce(_CURRENCY, "_code").alias(_CURRENCY),
            pl.coalesce("reason", "_why").alias("reason"),
        ).drop("_text", "_code", "_why")

    def _time(self, rows: pl.DataFrame, name: str) -> pl.DataFrame:
        column = self._dates.setdefault(name, deciding.dates(self.reading.order))
        plain = pl.col(name).str.contains(canonical.ISO)
        slashed = pl.col(name).str.contains(canonical.SLASHED)
        column.learn(canonical.pairs(rows.filter(slashed)[name]))
        column.learn(rows.filter(~plain & ~slashed)[name].unique().to_list())
        rows = rows.with_columns(canonical.canonical(pl.col(name), column.rule, self.now).alias(name))
        odd = rows.filter(~plain)[name].drop_nulls().unique().to_list()
        serial = bool(odd) and self._is_serial(rows, name)
        if serial and (days := [text for text in odd if times.is_serial(text, self.now)]):
            self._days.setdefault(name, days[0])
        read = partial(times.read, zone=zone_of(self.zone), order=column.rule, now=self.now, serial=serial)
        return _mapped(rows, name, plain, lambda text: read(text).isoformat(), kept=(times.NO_TIME,))

    def _is_serial(self, rows: pl.DataFrame, name: str) -> bool:
        """Whether the column holds a spreadsheet's days: it is said, or every cell is a number that is nothing else."""
        return self._serial or all(times.is_serial(text, self.now) for text in rows[name].drop_nulls().head(_LOOKED_AT))


_CURRENCY: Final = " currency"
_LOOKED_AT: Final = 1000


def _without_space(rows: pl.DataFrame, columns: Columns) -> list[pl.Expr]:
    """Cells without space around them; null where they say that there is nothing."""
    values = (columns.time, columns.quantity, columns.price, columns.currency, *columns.others)
    found = []
    for name in rows.columns:
        if name in values:
            cell = pl.col(name).str.strip_chars()
            found.append(pl.when(~cell.str.to_lowercase().is_in(list(ABSENT))).then(cell).alias(name))
    return found


def _is_id(name: str, nobody: frozenset[str]) -> pl.Expr:
    text = pl.col(name)
    return text.str.contains(_ID) & ~text.str.contains(_FLOAT) & ~text.str.to_lowercase().is_in(list(nobody))


def _mapped(
    rows: pl.DataFrame, name: str, plain: pl.Expr | str, read: Callable[[str], str | None], kept: Iterable[str] = ()
) -> pl.DataFrame:
    """`rows` in which each text of a column that is not `plain` is what `read` makes of it.

    Where it cannot be read it stays, with a `reason` unless that is one of those `kept` for the checks to find.
    """
    is_plain = pl.col(name).str.contains(plain) if isinstance(plain, str) else plain
    odd = rows.filter(~is_plain)[name].drop_nulls().unique().to_list()
    if not odd:
        return rows
    texts: list[str | None] = []
    reasons: list[str | None] = []
    for text in odd:
        try:
            found, why = read(text), None
        except Unreadable as error:
            found, why = text, None if error.reason in kept else f"{name}: {error.reason}"
        texts.append(found)
        reasons.append(why)
    table = pl.DataFrame([pl.Series(name, odd, pl.String), pl.Series("_text", texts, pl.String)])
    table = table.with_columns(pl.Series("_why", reasons, pl.String), pl.lit(value=True).alias("_odd"))
    joined = rows.join(table, on=name, how="left", maintain_order="left")
    return joined.with_columns(
        pl.when("_odd").then("_text").otherwise(name).alias(name), pl.coalesce("reason", "_why").alias("reason")
    ).drop("_text", "_why", "_odd")


def _code(text: str) -> str | None:
    try:
        return currencies.code(text)
    except Unreadable:
        return text


def _amount(
    text: str | None, mark: Mark, code: str | None, *, priced: bool
) -> tuple[str | None, str | None, str | None]:
    """An amount as plain text, its currency, and why it cannot be read; all None where the checks say it."""
    if text is None:
        return None, None, None
    try:
        found = money.read(text, mark, code if code is not None and currencies.is_code(code) else None)
    except Unreadable as error:
        return None, None, None if error.reason == money.NO_AMOUNT else error.reason
    if found.currency is not None and not priced:
        return None, None, None
    return f"{found.amount:f}", found.currency, None


def _told(
    column: Column[Mark] | Column[Order], names: Mapping[Mark, str] | Mapping[Order, str], told: bool
) -> str | None:
    rule = column.rule
    if not column.open or rule not in names:
        return None
    said = f"{column.example!r} was read with {names[rule]}, "  # type: ignore[index]  # names of the same kind
    if column.stated is not None:
        return f"{said}as is stated"
    return said + ("as others tell" if told else "as nothing tells otherwise; --decimals point or comma decides")
