"""What people read: tables, lines, complaints. Results go to stdout, all else to stderr.

Names and cells of files are told as they are, but for signs that a terminal obeys instead of showing them.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 160
NOT_ALL = 1
"""What a command ends with that has done its work but for what it tells."""

OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

_OBEYED: Final = {
    code: f"\\u{code:04x}"
    for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Controls but tab and new line, and what turns the direction of text, as JSON writes them."""


def say(message: str) -> None:
    """Tells how things go."""
    ERR.print(_shown(message), markup=False)


def complain(message: str) -> None:
    """Tells in one line what went wrong."""
    ERR.print(f"etappe: {_shown(message)}", style="red" if ERR.is_terminal else None, markup=False)


def result(text: str) -> None:
    """Prints a result alone."""
    sys.stdout.write(_shown(text) + "\n")
    sys.stdout.flush()


def as_json(value: object) -> None:
    """Prints a result as JSON."""
    result(msgspec.json.format(msgspec.json.encode(value)).decode())


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table; numbers stand to the right."""
    shown = Table(title=Text(_shown(title)), title_justify="left", box=None, pad_edge=False, header_style="bold")
    lines = [[_cell(value) for value in row] for row in rows]
    numeric = [all(_is_number(row[place]) for row in lines) for place in range(len(columns))]
    for name, right in zip(columns, numeric, strict=True):
        shown.add_column(Text(_shown(name)), justify="right" if right else "left")
    for line in lines:
        shown.add_row(*(Text(cell) for cell in line))  # a title may hold brackets, which are no markup here
    OUT.print(shown)


def _shown(text: str) -> str:
    return text.translate(_OBEYED)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else _shown(str(value))


def _is_number(text: str) -> bool:
    return not text or text.replace(",", "").replace(".", "").replace("-", "").isdigit()
