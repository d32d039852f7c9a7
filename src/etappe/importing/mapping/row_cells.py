"""The cells of a file by what they become: constants, values and types of a mapping applied to one batch."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

import polars as pl

from etappe.importing.mapping import cells
from etappe.importing.mapping.mapping import OTHERS, Values, by_target
from etappe.importing.mapping.mapping import Mapping as Told
from etappe.importing.mapping.naming.names import key_of
from etappe.zones import zone_of

_EMPTY = ""
_KINDS: Mapping[str, str] = {
    "number": "not a number",
    "yes_no": "neither yes nor no; name the word under [values]",
    "date": "not a date in the order of the mapping",
}


class RowCells:
    """Cells by target of some rows, and why rows cannot be read."""

    def __init__(
        self, told: Told, rows: pl.DataFrame, zone: str, columns: Mapping[str, str] | None = None,
        constants: Values | None = None,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.reasons: list[pl.Series] = []
        self._told = told
        self._zone: tzinfo = zone_of(told.file.zone or zone)
        self._columns = by_target(told.columns) | dict(columns or {})
        self._constants = told.constants | (constants or {})

    def targets(self, prefix: str) -> list[str]:
        """All that the mapping says of names that begin with `prefix`, without it, in its order."""
        every = dict.fromkeys((*self._columns, *self._constants))
        return [name.removeprefix(prefix) for name in every if name.startswith(prefix)]

    def has(self, target: str) -> bool:
        """Whether the mapping says anything of `target`."""
        return target in self._columns or target in self._constants

    def header(self, target: str) -> str | None:
        """The column of the file that becomes `target`."""
        return self._columns.get(target)

    def text(self, target: str) -> pl.Series:
        """The cells of `target` as text, null where there is nothing."""
        header, constant = self._columns.get(target), self._constants.get(target)
        if header is None:
            return pl.Series(target, [constant], pl.String).new_from_index(0, self.rows.height)
        column = self._valued(target, self.rows[header]).alias(target)
        return column if constant is None else column.fill_null(constant)

    def typed(self, target: str, kind: str) -> pl.Series:
        """The cells of `target` as the text of a `kind`: number, yes_no, date; those that are none are a reason."""
        column = self.text(target)
        if kind == "text":
            return column
        mark, dates = cells.mark_of(self._told.file.decimal), self._told.file.dates
        readers = {
            "number": lambda text: cells.number(text, mark),
            "yes_no": cells.yes_no,
            "date": lambda text: cells.day(text, dates, self._zone),
        }
        read = cells.each(column, readers[kind])
        self.refuse(column.is_not_null() & read.is_null(), f"{target}: {_KINDS[kind]}")
        return read

    def kind(self, target: str) -> str:
        """The type that the mapping gives to `target`."""
        return self._told.types.get(target, "text")

    def time(self, target: str) -> pl.Series:
        """The cells of `target` as times."""
        return cells.moments(self.text(target), self._told.file.dates)

    def refuse(self, rows: pl.Series, reason: str) -> None:
        """Books `reason` for the rows of a mask."""
        if rows.any():
            self.reasons.append(pl.select(pl.when(rows).then(pl.lit(reason))).to_series())

    def reason(self) -> pl.Series:
        """The first reason of each row, null where there is none."""
        none = pl.Series("reason", [None], pl.String).new_from_index(0, self.rows.height)
        return pl.select(pl.coalesce(*self.reasons, none).alias("reason")).to_series()

    def _valued(self, target: str, column: pl.Series) -> pl.Series:
        values = self._told.values.get(target)
        if values is None:
            return column
        named = {key_of(cell): value for cell, value in values.items() if cell not in (OTHERS, _EMPTY)}
        others, empty = values.get(OTHERS), values.get(_EMPTY)
        found = cells.each(column, lambda text: named.get(key_of(text), text if others == OTHERS else others))
        self.refuse(column.is_not_null() & found.is_null(), f"{target}: a value that [values.{target}] does not name")
        read = found if empty is None else found.scatter(column.is_null().arg_true(), empty)
        return pl.select(pl.when(read != _EMPTY).then(read)).to_series()


def completed(rows: pl.DataFrame, headers: Iterable[str]) -> pl.DataFrame:
    """`rows` with all of `headers`, without space around cells, and null for what is empty."""
    absent = [pl.lit(None, pl.String).alias(name) for name in headers if name not in rows.columns]
    text = pl.col(pl.String).str.strip_chars()
    whole = rows.with_columns(text)
    return whole.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep(), *absent)
