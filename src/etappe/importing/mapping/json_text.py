"""Objects of JSON made of columns, as vectors: a member only where the cell says something."""

from collections.abc import Mapping
from typing import Final

import polars as pl

TEXT: Final = "text"
DATE: Final = "date"


def members(columns: Mapping[str, tuple[pl.Series, str]]) -> pl.Expr:
    """The members of an object, `"a":1,"b":"x"`, by name: column and type; null where all are.

    What is no text is a number or a word of JSON already.
    """
    parts = [_member(name, pl.lit(column), kind) for name, (column, kind) in columns.items()]
    return none_if_empty(pl.concat_str(parts, separator=",", ignore_nulls=True)) if parts else pl.lit(None, pl.String)


def whole(*parts: pl.Expr) -> pl.Expr:
    """An object of `members`; null where there are none."""
    inside = none_if_empty(pl.concat_str(parts, separator=",", ignore_nulls=True)) if parts else pl.lit(None, pl.String)
    return pl.lit("{") + inside + pl.lit("}")


def nested(name: str, inside: pl.Expr) -> pl.Expr:
    """A member `name` that is an object of members; null where they are."""
    return pl.lit(f'"{name}":{{') + inside + pl.lit("}")


def none_if_empty(text: pl.Expr) -> pl.Expr:
    """Null for the empty text, which joining nothing gives."""
    return pl.when(text != "").then(text)


def _member(name: str, column: pl.Expr, kind: str) -> pl.Expr:
    if kind in (TEXT, DATE):
        # Polars writes the name and escapes the text, as JSON wants it.
        said = pl.struct(column.alias(name)).struct.json_encode()
        return pl.when(column.is_not_null()).then(said.str.slice(1).str.head(-1))
    quoted = pl.select(pl.struct(pl.lit(1).alias(name)).struct.json_encode()).item()[1:-2]
    return pl.lit(quoted) + column
