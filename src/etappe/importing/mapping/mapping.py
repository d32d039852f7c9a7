"""`mapping.toml`: what a file of another shop says, column by column, as a person can write and mend it."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec

from etappe import zones
from etappe.errors import InputError
from etappe.events.vocabulary import TYPES
from etappe.importing.mapping import conditions
from etappe.importing.mapping.conditions import Condition
from etappe.importing.mapping.targets import CUSTOMERS, EVENTS, ITEMS, LEFT_OUT, TARGETS, UNDECIDED, meant

SKIP: Final = "skip"
"""The event of rows that are left out."""
OTHERS: Final = "*"
"""In a table of values: every value that it does not name; on the right it stays as it is."""

COMMANDS: Final = {EVENTS: "etappe import", ITEMS: "etappe import-items", CUSTOMERS: "etappe import-customers"}
"""The command that takes a mapping, by what it speaks of."""

_TYPES: Final = ("text", "number", "yes_no", "date")

Values = dict[str, str]


class About(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[file]`: how the text of the file is read."""

    kind: Literal["events", "items", "customers"] = EVENTS
    encoding: str | None = None
    separator: str | None = None
    decimal: Literal[".", ",", "?"] = "."
    dates: Literal["iso", "dmy", "mdy", "epoch", "excel", "?"] = "iso"
    zone: str | None = None


class Repeat(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[repeat]`: cells of `columns` that are empty take what stands above, in following rows with the same `by`."""

    by: str
    columns: list[str]


class EventRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[[events]]`: one event that a row can make, with columns and constants that differ from those of all."""

    event: str | None = None
    when: dict[str, Condition] = {}
    unless: dict[str, Condition] = {}
    columns: dict[str, str | list[str]] = {}
    constants: Values = {}


class SkipRule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[[skip]]`: rows that are left out, and the reason under which the report counts them."""

    reason: str
    when: dict[str, Condition] = {}
    unless: dict[str, Condition] = {}


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A whole mapping. `columns`: target or targets by header; `values`: what cells become, by target."""

    file: About = About()
    columns: dict[str, str | list[str]] = {}
    constants: Values = {}
    values: dict[str, Values] = {}
    types: dict[str, str] = {}
    repeat: Repeat | None = None
    events: list[EventRule] = []
    skip: list[SkipRule] = []

    def rules(self) -> list[EventRule | SkipRule]:
        """All that has conditions."""
        return [*self.events, *self.skip]

    def headers(self) -> set[str]:
        """The columns of the file that are spoken of."""
        named = [name for rule in self.rules() for name in (*rule.when, *rule.unless)]
        repeated = [] if self.repeat is None else [self.repeat.by, *self.repeat.columns]
        return {*self.columns, *named, *repeated, *(name for rule in self.events for name in rule.columns)}


def by_target(columns: dict[str, str | list[str]]) -> dict[str, str]:
    """Header by target."""
    return {target: header for header, target in _pairs(columns)}


def load(path: Path, kind: str) -> Mapping:
    """The mapping in the file `path`, which speaks of a file of this `kind`.

    Raises:
        InputError: it is no such file; names the line, what is wrong there, and what was meant as far as that can be
            told.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; `etappe look FILE --out {path}` writes a mapping") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    mapping = parsed(text, path)
    if mapping.file.kind != kind:
        raise InputError(
            f"{path} speaks of {mapping.file.kind}; they come in by `{COMMANDS[mapping.file.kind]} FILE --map {path}`"
        )
    return mapping


def parsed(text: str, path: Path) -> Mapping:
    """The mapping that `text` is; InputError with a line of `path` where it is none."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: no TOML: {error}; a name with other signs than letters stands in quotes") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path}: it is nested too deep, or has a number of too many digits") from error
    place = _Place(path, text)
    _check_names(raw, Mapping, "", place)
    try:
        mapping = msgspec.convert(raw, Mapping)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at ")
        table, _, key = where.strip("`$.").rpartition(".")
        choices = _choices(table, key)
        told = f"there are {', '.join(choices)}" if choices else f"{message[:1].lower()}{message[1:]}"
        raise InputError(f"{place.of(table, key)}: {key or 'file'}: {told}") from error
    _check(mapping, place)
    return mapping


def _choices(table: str, key: str) -> tuple[str, ...]:
    """The words that a setting of `[file]` may be."""
    return get_args(get_type_hints(About).get(key)) if table == "file" and key in ("kind", "decimal", "dates") else ()


class _Place:
    """Where in the file something stands, as the reader of TOML does not tell."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def of(self, table: str, key: str) -> str:
        """File and line, as in mapping.toml line 7, of `key` in `table`; the file alone where it is not found."""
        here = ""
        plain = re.sub(r"\[\d*\]|\[\.\.\.\]", "", table)
        for number, line in enumerate(self._lines, start=1):
            head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
            if head and "=" not in line.split("]")[0]:
                here = head[1].replace('"', "").replace("'", "")
                if not plain and here == key:
                    return f"{self._path} line {number}"
            elif here == plain and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line):
                return f"{self._path} line {number}"
        return str(self._path)


def _check_names(raw: Any, kind: Any, table: str, place: _Place) -> None:
    """Whether every setting is one, in the tables whose names are ours."""
    inner = {"file": About, "repeat": Repeat, "events": EventRule, "skip": SkipRule}
    for key, value in raw.items():
        if key not in kind.__struct_fields__:
            known = list(kind.__struct_fields__)
            raise InputError(
                f"{place.of(table, key)}: {key!r} is no setting{meant(key, known) or '; there are ' + ', '.join(known)}"
            )
        if kind is Mapping and key in inner:
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    _check_names(one, inner[key], key, place)


def _check(mapping: Mapping, place: _Place) -> None:
    _check_file(mapping.file, place)
    _check_columns(mapping, mapping.columns, "columns", place)
    _check_constants(mapping, mapping.constants, "constants", place)
    for target, values in mapping.values.items():
        _check_target(mapping, target, f"values.{target}", target, place)
        _check_values(target, values, place)
    for target, kind in mapping.types.items():
        _check_target(mapping, target, "types", target, place)
        if kind not in _TYPES:
            known = ", ".join(_TYPES)
            raise InputError(f"{place.of('types', target)}: {kind!r} is no type; there are {known}")
    for rule in mapping.events:
        _check_event("event", rule.event or OTHERS, "events", place)
        _check_columns(mapping, rule.columns, "events", place)
        _check_constants(mapping, rule.constants, "events", place)
    for named in mapping.rules():
        for header, condition in (*named.when.items(), *named.unless.items()):
            conditions.check(header, condition, place.of("events" if isinstance(named, EventRule) else "skip", "when"))
    _check_whole(mapping, place)


def _check_file(about: About, place: _Place) -> None:
    for name in ("decimal", "dates"):
        if getattr(about, name) == UNDECIDED:
            raise InputError(f"{place.of('file', name)}: {name} is not decided; put in what stands in the comment")
    if about.separator is not None and (len(about.separator) != 1 or about.separator in '"\r\n\0'):
        raise InputError(
            f"{place.of('file', 'separator')}: separator: {about.separator!r} is no separator; give one sign, as in ;"
        )
    if about.zone is not None:
        try:
            zones.zone_of(about.zone)
        except InputError as error:
            raise InputError(
                f"{place.of('file', 'zone')}: {about.zone!r} is no time zone; as in Europe/Berlin"
            ) from error


def _check_columns(mapping: Mapping, columns: dict[str, str | list[str]], table: str, place: _Place) -> None:
    for header, target in _pairs(columns):
        _check_target(mapping, target, table, header, place)
    targets = Counter(target for _, target in _pairs(columns))
    for header, target in _pairs(columns):
        if targets[target] > 1:
            raise InputError(f'{place.of(table, header)}: two columns become {target!r}; leave one out with ""')


def _check_target(mapping: Mapping, target: str, table: str, key: str, place: _Place) -> None:
    known = TARGETS[mapping.file.kind]
    if target == UNDECIDED:
        raise InputError(f"{place.of(table, key)}: what {key!r} becomes is not decided")
    if not known.has(target):
        raise InputError(
            f"{place.of(table, key)}: {target!r} is nothing a column of {mapping.file.kind} can become"
            f"{known.like(target)}"
        )


def _check_constants(mapping: Mapping, constants: Values, table: str, place: _Place) -> None:
    for target, value in constants.items():
        _check_target(mapping, target, table, target, place)
        _check_event(target, value, table, place)


def _check_values(target: str, values: Values, place: _Place) -> None:
    for cell, value in values.items():
        if value == UNDECIDED:
            raise InputError(f"{place.of(f'values.{target}', cell)}: what {cell!r} becomes is not decided")
        if target == "event" and value not in (*TYPES, SKIP, OTHERS):
            raise InputError(
                f"{place.of(f'values.{target}', cell)}: {value!r} is no event{meant(value, [*TYPES, SKIP])}"
            )


def _check_event(target: str, value: str, table: str, place: _Place) -> None:
    if value == UNDECIDED:
        raise InputError(f"{place.of(table, target)}: {target} is not decided; put in what stands in the comment")
    if target == "event" and value not in (*TYPES, OTHERS):
        raise InputError(f"{place.of(table, target)}: {value!r} is no event{meant(value, list(TYPES))}")


def _check_whole(mapping: Mapping, place: _Place) -> None:
    """Whether what a row must have comes from somewhere."""
    kind, named = mapping.file.kind, {target for _, target in _pairs(mapping.columns)} | set(mapping.constants)
    if kind == CUSTOMERS and not any(name in named or name.startswith("identities.") for name in ("user_id", *named)):
        raise InputError(f"{place.of('', 'columns')}: no column names the customer; one has to become user_id")
    if kind == ITEMS and "id" not in named:
        raise InputError(f"{place.of('', 'columns')}: no column names the item; one has to become id")
    for rule in (mapping.events or [EventRule()]) if kind == EVENTS else []:
        whole = named | {target for _, target in _pairs(rule.columns)} | set(rule.constants)
        if not whole & {"timestamp", "date"}:
            raise InputError(f"{place.of('', 'columns')}: no column says when it happened; one has to become timestamp")
        if "event" not in whole and rule.event is None:
            raise InputError(
                f'{place.of("", "columns")}: nothing says what happened; add event = "purchase" to [constants], or a'
                " column that becomes event"
            )


def _pairs(columns: dict[str, str | list[str]]) -> Iterator[tuple[str, str]]:
    """Header and target, of a header with several targets each; those left out are none."""
    for header, targets in columns.items():
        for target in [targets] if isinstance(targets, str) else targets:
            if target != LEFT_OUT:
                yield header, target
