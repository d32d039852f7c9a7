"""What parts the cells of a text file: told by its first lines, never by its name."""

import csv
import re
from pathlib import Path
from typing import Final

import msgspec

from etappe.errors import InputError

CANDIDATES: Final = (",", ";", "\t", "|")

_SAID: Final = re.compile(r'\s*"?sep=(.)"?[;,\t ]*', re.IGNORECASE)
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_MOST_ROWS: Final = 500
_CLEARLY: Final = 0.1


class Separation(msgspec.Struct, frozen=True):
    """The separator, the line of the header from 1, and whether blanks behind separators mean nothing."""

    separator: str
    line: int
    spaced: bool


def told(path: Path, lines: list[str], named: str | None = None) -> Separation:
    """What `lines`, the first ones of `path`, say of its separator, unless somebody `named` it.

    Raises:
        InputError: there is no line but empty ones, or two separators are as likely; the remedy is named.
    """
    at = _first(path, lines, 0)
    said = _SAID.fullmatch(lines[at])
    if said:
        at = _first(path, lines, at + 1)
    separator = named or (said[1] if said else None) or _found(path, lines[at:])
    return Separation(separator, at + 1, _is_spaced(separator, lines[at:]))


def named(separator: str) -> str:
    """As people call it."""
    return _NAMES.get(separator, repr(separator))


def tight(header: str, separator: str) -> str:
    """`header` without blanks between a quote that ends a name and what follows it."""
    return re.sub(rf'" +(?={re.escape(separator)}|\Z)', '"', header)


def _first(path: Path, lines: list[str], start: int) -> int:
    for at in range(start, len(lines)):
        if lines[at].strip():
            return at
    raise InputError(f"{path} is empty")


def _found(path: Path, lines: list[str]) -> str:
    widths = {separator: _widths(lines, separator) for separator in CANDIDATES}
    likely = {separator: found for separator, found in widths.items() if found and found[0] > 1}
    if not likely:
        return ","
    fits = {separator: _fit(found) for separator, found in likely.items()}
    best = max(fits, key=lambda separator: (fits[separator], likely[separator][0]))
    rivals = [rival for rival in fits if rival != best and fits[best] - fits[rival] < _CLEARLY]
    if rivals and len(likely[best]) > 1:
        choices = " or ".join(f"{named(rival)} ({likely[rival][0]} columns)" for rival in (best, *rivals))
        raise InputError(
            f"{path}: what parts its columns cannot be known, {choices}; put sep={best} or sep={rivals[0]} as a line"
            " above all others",
            field="separator",
        )
    return best


def _widths(lines: list[str], separator: str) -> list[int]:
    """Cells of the header and of the rows below it, empty ones at the end left out; nothing where that is no CSV."""
    try:
        next(
            csv.reader(
                [tight(lines[0], separator)], delimiter=separator, strict=True, skipinitialspace=separator != "\t"
            ),
            None,
        )
    except csv.Error as error:
        if "unexpected end" not in str(error):
            return []
    found = []
    try:
        for cells in csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t"):
            while cells and not cells[-1].strip():
                cells.pop()
            if cells:
                found.append(len(cells))
            if len(found) > _MOST_ROWS:
                break
    except csv.Error:
        pass
    return found


def _fit(widths: list[int]) -> float:
    """The share of rows that have as many cells as the header, or by an empty end fewer, but more than one."""
    rows = widths[1:]
    return sum(1 < width <= widths[0] for width in rows) / len(rows) if rows else 0.0


def _is_spaced(separator: str, lines: list[str]) -> bool:
    """Whether quotes stand behind blanks, as in `1, "Tea, black"`: by a line that has its cells only if they do."""
    if separator == "\t":
        return False
    behind = re.compile(re.escape(separator) + ' +"')
    width = len(_cells(lines[0], separator, spaced=True))
    return any(
        behind.search(line) is not None
        and len(_cells(line, separator, spaced=True)) == width
        and any('"' in cell for cell in _cells(line, separator, spaced=False))
        and not any('"' in cell for cell in _cells(line, separator, spaced=True))
        for line in lines
    )


def _cells(line: str, separator: str, *, spaced: bool) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=spaced, strict=True), [])
    except csv.Error:
        return []
