"""Tables as Markdown."""

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
    if value != value:  # noqa: PLR0124  nan
        return "-"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def percent(value: float, digits: int = 1) -> str:
    """A share."""
    return "-" if value != value else f"{100 * value:.{digits}f} %"  # noqa: PLR0124  nan
