r"""When a row makes an event: conditions on cells, as text that a person can write.

`""` is an empty cell, `"*"` one with something in it, `"C*"` a pattern, `"/^\d{5}/"` a regular expression, `">0"` a
comparison of numbers; all else is the cell itself, whatever its case. A list holds where one of it does.
"""

import re
from typing import Final

import polars as pl

from etappe.errors import InputError

Condition = str | list[str]

_COMPARISON: Final = re.compile(r"(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)")


def holds(when: dict[str, Condition], unless: dict[str, Condition]) -> pl.Expr:
    """Whether all of `when` and none of `unless` holds of a row of text columns, null where a cell is empty."""
    wanted = [_any(header, condition) for header, condition in when.items()]
    unwanted = [~_any(header, condition) for header, condition in unless.items()]
    return pl.all_horizontal(pl.lit(value=True), *wanted, *unwanted)


def check(header: str, condition: Condition, place: str) -> None:
    """Raises InputError with `place` where a condition on `header` is no regular expression."""
    for one in _list(condition):
        if _is_regex(one):
            try:
                pl.select(pl.lit("").str.contains(one[1:-1]))
            except pl.exceptions.PolarsError as error:
                reason = str(error).strip().splitlines()[-1]
                raise InputError(f"{place}: the condition on {header!r} is no regular expression: {reason}") from error


def _any(header: str, condition: Condition) -> pl.Expr:
    return pl.any_horizontal(pl.lit(value=False), *(_one(pl.col(header), one) for one in _list(condition)))


def _one(cell: pl.Expr, condition: str) -> pl.Expr:
    compared = _COMPARISON.fullmatch(condition.strip())
    if condition == "":
        return cell.is_null()
    if compared:
        return _compared(cell, compared[1], float(compared[2]))
    if _is_regex(condition):
        return cell.str.contains(condition[1:-1]).fill_null(value=False)
    if "*" in condition:
        pattern = ".*".join(map(re.escape, condition.split("*")))
        return cell.str.contains(f"(?is)^{pattern}$").fill_null(value=False)
    return (cell.str.to_lowercase() == condition.strip().lower()).fill_null(value=False)


def _compared(cell: pl.Expr, sign: str, limit: float) -> pl.Expr:
    number = cell.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    found = {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}[sign]
    return found.fill_null(value=False)


def _is_regex(condition: str) -> bool:
    return bool(condition.strip("/")) and condition.startswith("/") and condition.endswith("/")


def _list(condition: Condition) -> list[str]:
    return [condition] if isinstance(condition, str) else condition
