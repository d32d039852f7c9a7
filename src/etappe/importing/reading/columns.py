"""The columns of a file and those that a format has: headers matched however they are spelt, all obstacles at once."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.reading.batch import LINE
from etappe.importing.reading.separators import CANDIDATES
from etappe.importing.reading.source import Source

_IDLE: Final = re.compile(r"[\s_\-\ufeff\"']+")
_GOOGLE: Final = "g:"


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns a format has. Others are left out, or refused where it is `closed`."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    also: Mapping[str, str] = {}
    """Other spellings, by which a column is known too."""
    closed: bool = False


def key(name: str) -> str:
    """What `name` is compared by: case, blanks, quotes, hyphens and underscores are no matter ("Item ID")."""
    return _IDLE.sub("", name.strip().casefold().removeprefix(_GOOGLE))


def place(at: int) -> str:
    """The name of the nameless column at `at`, from 0; no name in a file begins with a space."""
    return f" {at}"


def checked(source: Source) -> list[str]:
    """The names in the header of `source`, "" for columns without one; InputError where one is there twice."""
    names = list(source.dialect.header)
    if twice := repeated(names):
        raise InputError(f"{source}, line {source.dialect.line}: {twice}")
    if unreadable := [name for name in names if "\0" in name]:
        raise InputError(
            f"{source}, line {source.dialect.line}: the header has a NUL in {_list(unreadable)}; write the file anew"
        )
    return names


def repeated(names: list[str]) -> str | None:
    """What is to be said of names that are there twice."""
    twice = sorted({name for name in names if name and names.count(name) > 1})
    return f"the header names {_list(twice)} more than once; rename all but one" if twice else None


def check_nameless(source: Source, rows: pl.DataFrame, nameless: Iterable[str]) -> None:
    """InputError where a column without a name has content."""
    found = []
    for name in nameless:
        filled = rows.filter(pl.col(name).str.strip_chars() != "")
        if filled.height:
            number = int(name) + 1
            found.append(f"column {number} has no name, but {filled[name][0]!r} in line {filled[LINE][0]}")
    if found:
        raise InputError(f"{source}: {'; '.join(found)}; name it in the header, or take it out")


def wanted(source: Source, header: list[str], columns: Columns, *more: str) -> dict[str, str]:
    """Canonical name by name in the header.

    Raises:
        InputError: columns are missing, mean the same or, where `columns` is closed, are unknown; it tells all of it,
            and `more` obstacles that were met.
    """
    known = (*columns.required, *columns.optional)
    by_key = {key(name): name for name in known} | {key(name): to for name, to in columns.also.items()}
    names = {name: by_key.get(key(name)) for name in header}
    meant = [canonical for canonical in names.values() if canonical]
    missing = [name for name in columns.required if name not in meant]
    unknown = [name for name, canonical in names.items() if canonical is None]
    problems = [twice] if (twice := repeated(header)) else []
    if missing:
        problems.append(f"column {_are(missing)} missing; found {_list(header)}{_hint(source, header)}")
    if unknown and columns.closed:
        problems.append(f"column {_are(unknown)} unknown; the columns are {', '.join(known)}")
    for canonical in sorted({name for name in meant if meant.count(name) > 1}):
        same = [name for name in dict.fromkeys(header) if names[name] == canonical]
        if len(same) > 1:
            problems.append(f"two columns mean the same, {canonical}: {_list(same)}; leave one out")
    problems += more
    if problems:
        raise InputError(f"{source}: {'; '.join(problems)}", field=next(iter((*missing, *unknown)), None))
    return {name: canonical for name, canonical in names.items() if canonical}


def _hint(source: Source, header: list[str]) -> str:
    dialect = source.dialect
    if dialect.kind != "delimited" or len(header) > 1 or dialect.separator not in CANDIDATES:
        return ""
    return (
        "; its first line has no comma, semicolon, tab or pipe: if columns are parted by something else, say so in a"
        " line above, as in sep=^"
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _are(names: list[str]) -> str:
    return _list(names) + (" is" if len(names) == 1 else " are")
