"""Tables as Markdown."""

import math
from collections.abc import Iterable, Sequence


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table; the first column is words, the others are figures."""
    print(f"\n### {title}\n")
    print(_row(head))
    print(_row(["---"] + ["---:"] * (len(head) - 1)))
    for row in rows:
        print(_row(row))


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(figure(cell) for cell in cells) + " |"


def figure(value: object) -> str:
    """A number as one reads it: three digits that count, thousands set apart."""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)
    if math.isnan(value):
        return "-"
    size = abs(value)
    digits = 0 if size >= 100 or value.is_integer() else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value:,.{digits}f}"


def percent(value: float, digits: int = 1) -> str:
    """A share."""
    return "-" if math.isnan(value) else f"{100 * value:.{digits}f} %"
