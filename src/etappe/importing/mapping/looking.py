"""`etappe look`: what a file is, what a mapping of it makes of its rows, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.catalogue.found_items import FoundItems
from etappe.importing.formats.intake import Intake
from etappe.importing.judging import refunds
from etappe.importing.judging.ledger import Ledger
from etappe.importing.judging.rejected_file import RejectedFile
from etappe.importing.judging.spelling import Spelling
from etappe.importing.mapping import customers, known, mapping, tables, translating
from etappe.importing.mapping.guessing import guess, problems, profiles
from etappe.importing.mapping.guessing.draft import Draft, text_of
from etappe.importing.mapping.guessing.problems import Problem
from etappe.importing.mapping.guessing.profiles import Profile
from etappe.importing.mapping.mapping import Mapping, by_target
from etappe.importing.mapping.targets import CUSTOMERS, EVENTS, ORIGIN
from etappe.importing.reading.dialect import Dialect
from etappe.importing.reading.source import Source
from etappe.settings import Settings

SHOWN: Final = 5
"""Rows that are shown translated."""


class Look(msgspec.Struct, kw_only=True):
    """What was seen of a file. `mapping`: as `text` has it; None while a person has to decide.

    `becomes`: events by name that its rows make, `first` the first of them.
    """

    dialect: Dialect
    profile: Profile
    draft: Draft
    text: str
    mapping: Mapping | None
    becomes: dict[str, int] = {}
    first: list[dict[str, Any]] = []
    problems: list[Problem] = []


def command_of(path: Path) -> str | None:
    """The command that takes `path` without any mapping, as its content is known; None where it needs one.

    Raises:
        InputError: it cannot be read.
    """
    source = Source(path)
    if source.dialect.kind == "xml":
        return f"etappe import-items {path}"
    form = known.payloads(source.dialect, tables.read(path).header) if source.dialect.kind == "json" else None
    return None if form is None else f"etappe import {path} --format {form}"


def look(
    path: Path, settings: Settings, kind: str | None = None, *, encoding: str | None = None, trying: bool = True
) -> Look:
    """What `path` is; `kind` where names and cells do not tell it. `trying`: its rows are translated, too.

    The `settings` say which ids are nobody's, and in which zone times are that name none.

    Raises:
        InputError: it cannot be read, or nothing tells what its rows are.
    """
    table = tables.read(path, encoding)
    profile = profiles.of(table.header, table.batches)
    draft = guess.guess(path, table.dialect, profile, kind)
    draft.notes += table.source.remarks
    form = known.table(table.header)
    if form is not None and draft.kind == EVENTS:
        draft.notes.append(f"the format {form} knows this file, too: etappe import {path} --format {form}")
    text = text_of(draft, path.name, mapping.COMMANDS[draft.kind])
    seen = Look(dialect=table.dialect, profile=profile, draft=draft, text=text, mapping=_told(text, draft))
    seen.problems = problems.of_cells(profile, draft)
    if trying and seen.mapping is not None and draft.kind in (EVENTS, CUSTOMERS):
        _try(seen, seen.mapping, path, settings)
    else:
        seen.problems += problems.of_rows(profile)
    return seen


def _told(text: str, draft: Draft) -> Mapping | None:
    """The mapping; None where what a person has to decide stands in its way."""
    try:
        return mapping.parsed(text, Path("mapping.toml"))
    except InputError:
        if not draft.decisions:
            raise
        return None


def _try(seen: Look, told: Mapping, path: Path, settings: Settings) -> None:
    """Translates the whole file, into nothing."""
    firsts = _Firsts()
    now = datetime.now(UTC)
    zone = settings.catalogue.time_zone
    spelling = Spelling(settings.values.reading(), zone, now)
    intake = Intake(zone, now, Ledger(firsts), FoundItems(), spelling)
    becomes: Counter[str] = Counter()
    sales: list[pl.DataFrame] = []
    for rows in _read(path, intake, told, now):
        if len(seen.first) < SHOWN:
            seen.first += _shown(rows.head(SHOWN - len(seen.first)))
        becomes.update(dict(rows.group_by("event").len().iter_rows()))
        sales.append(_sales(rows))
    seen.becomes = dict(becomes.most_common())
    alone = refunds.alone(pl.concat(sales).lazy()) if sales else 0
    seen.problems += [Problem(alone, refunds.ALONE)] if alone else []
    seen.problems += [
        Problem(count, f"rejected: {reason}", firsts.line[reason])
        for reason, count in intake.ledger.rejected.most_common()
    ]
    seen.problems += [
        Problem(skipped.rows, f"left out: {reason} ({skipped.revenue})")
        for reason, skipped in intake.ledger.skipped().items()
    ]


def _sales(rows: pl.DataFrame) -> pl.DataFrame:
    """Purchases and refunds with their orders and items as numbers, 17 bytes each, as all of a file are held."""
    names = ("order_id", "item_id")
    some = rows.filter(pl.col("event").is_in(("purchase", "refund")))
    return some.select(
        (pl.col("event")).cast(pl.Enum(("purchase", "refund"))),
        *(pl.when(pl.col(name).is_not_null()).then(pl.col(name).hash()).alias(name) for name in names),
    )


def _read(path: Path, intake: Intake, told: Mapping, now: datetime) -> Iterator[pl.DataFrame]:
    if told.file.kind == CUSTOMERS:
        timed = any(target.startswith(ORIGIN[0]) for target in by_target(told.columns))
        return customers.read(path, intake, told, customers.AsOf(now, stated=not timed))
    return translating.read(path, intake, told)


def _shown(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows without what is empty in all of them."""
    plain = rows.drop("line", "derived", "reason", "skip", strict=False)
    return [{name: cell for name, cell in row.items() if cell is not None} for row in plain.iter_rows(named=True)]


class _Firsts(RejectedFile):
    """Keeps of each reason the line where it stands first, and writes nothing."""

    def __init__(self) -> None:
        self.line: dict[str, int] = {}
        self.kept = None

    def add(self, line: int, reason: str, row: Any) -> None:  # noqa: ARG002 - as a file of rejected rows
        """Takes note of the line."""
        self.line.setdefault(reason, line)
