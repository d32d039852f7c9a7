"""Rows of a table of customers as events: who they are, their traits, and what they consented to."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.formats import native
from etappe.importing.formats.intake import Intake
from etappe.importing.formats.registry import Format
from etappe.importing.judging import checks
from etappe.importing.mapping import json_text, tables
from etappe.importing.mapping.mapping import Mapping
from etappe.importing.mapping.row_cells import RowCells, completed
from etappe.importing.mapping.targets import CONSENT, IDENTITIES, ORIGIN, TRAITS
from etappe.importing.mapping.translating import check_headers, spelt
from etappe.importing.reading.batch import LINE, Batch

_TIME, _SOURCE, _TEXT = ORIGIN
_UNTIMED: Final = (
    "{}: missing where consent to {} is granted; give it a column, or say when the file was exported by --as-of"
)
_NOTHING: Final = "row: says nothing of the customer"
_WHO: Final = ("line", "user_id", "anonymous_id")


class AsOf(msgspec.Struct, frozen=True):
    """When what a file says held. `stated`: somebody said so, and did not only take the time of the file."""

    moment: datetime
    stated: bool

    @property
    def text(self) -> str:
        """As ISO 8601."""
        return self.moment.isoformat()


def format_of(mapping: Mapping, as_of: AsOf) -> Format:
    """The format of tables of customers that `mapping` speaks of."""
    return Format(lambda path, intake: read(path, intake, mapping, as_of), tells_items=False)


def read(path: Path, intake: Intake, mapping: Mapping, as_of: AsOf) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows, an event each, and of what else they say, derived.

    A row is rejected whole, whatever of it is wrong. What names no time of its own held `as_of`.

    Raises:
        InputError: the file has no column that the mapping names, it has consents and nothing says when they were
            given, or it cannot be read.
    """
    table = tables.read(path, mapping.file.encoding, mapping.file.separator)
    check_headers(path, table.header, mapping)
    zoned = spelt(intake, mapping)
    for batch in table.batches:
        rows = completed(batch.rows, mapping.headers())
        customers = _Customers(RowCells(mapping, rows, zoned.zone), as_of, path, zoned)
        derived = customers.consents()
        made = Batch(rows.rename({LINE: "line"}), batch.broken)
        accepted = zoned.accepted(made, customers.main(derived))
        yield accepted
        yield _derived(derived, accepted)
    tables.tell(path, table)


def _derived(judged: pl.DataFrame | None, accepted: pl.DataFrame) -> pl.DataFrame:
    """What rows say beside their own event, of those that are accepted; the consents that are no row's own."""
    if judged is None:
        return accepted.clear()
    own = accepted.filter(pl.col("event") == "set_consent")["line"]
    extra = judged.filter(pl.col("reason").is_null(), pl.col("line").is_in(accepted["line"].implode()))
    first = pl.col("line").is_in(own.implode()) & pl.col("line").is_first_distinct()
    return extra.filter(~first).drop("reason").with_columns(pl.lit(value=True).alias("derived"))


class _Customers:
    """What the rows of one batch say."""

    def __init__(self, cells: RowCells, as_of: AsOf, path: Path, intake: Intake) -> None:
        self._cells = cells
        self._as_of = as_of
        self._path = path
        self._intake = intake
        self._who = [cells.rows[LINE].alias("line"), cells.text("user_id"), cells.text("anonymous_id")]
        self._named = {name: cells.text(IDENTITIES + name) for name in cells.targets(IDENTITIES)}
        self._identities = json_text.members({name: (one, json_text.TEXT) for name, one in self._named.items()})

    def consents(self) -> pl.DataFrame | None:
        """Judged `set_consent` rows, with a `reason` where one is wrong; None where the file has no consents.

        Consents of one time and origin are one event; those with a time or origin of their own are one each.
        """
        purposes = self._cells.targets(CONSENT)
        if not purposes:
            return None
        self._check_timed(purposes)
        apart = [one for one in purposes if any(self._cells.has(f"{name}.{one}") for name in ORIGIN)]
        together = [one for one in purposes if one not in apart]
        groups = [*([together] if together else []), *([one] for one in apart)]
        read = self._spelt(pl.concat([self._said(group) for group in groups]))
        judged = checks.check(read, self._intake.zone, self._intake.now, self._intake.spelling.reading.nobody)
        return judged.sort("line", maintain_order=True)

    def main(self, consents: pl.DataFrame | None) -> pl.DataFrame:
        """A native row for each row: `identify` where it names several identities, else its traits, else a consent."""
        traits = {name: self._typed(name) for name in self._cells.targets(TRAITS)}
        named = [pl.lit(one).is_not_null().cast(pl.Int8) for one in (*self._who[1:], *self._named.values())]
        said = json_text.members(traits)
        properties = json_text.whole(said, json_text.nested("identities", self._identities))
        event = (
            pl.when(pl.sum_horizontal(named) > 1)
            .then(pl.lit("identify"))
            .when(said.is_not_null())
            .then(pl.lit("set_traits"))
        )
        rows = self._spelt(pl.DataFrame([*self._who, self._moment()])).with_columns(
            event.alias("event"),
            properties.alias("properties"),
            pl.coalesce(self._cells.reason(), "reason").alias("reason"),
            pl.lit(0, pl.Int128).alias("amount"),
        )
        first = _first_of_each(consents, rows.schema)
        both = rows.join(first, on="line", how="left", maintain_order="left", suffix=" said")
        own = pl.col("event").is_not_null()
        silent = ~own & pl.col("event said").is_null()
        return both.select(
            *_WHO,
            "amount",
            pl.coalesce("event", "event said").alias("event"),
            *(pl.when(own).then(name).otherwise(f"{name} said").alias(name) for name in ("timestamp", "properties")),
            pl.coalesce("reason", "reason said", pl.when(silent).then(pl.lit(_NOTHING))).alias("reason"),
        )

    def _spelt(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` with ids and times as everywhere, and a `reason` where one cannot be read."""
        return self._intake.spelling.read(rows, native.SPELT)

    def _check_timed(self, purposes: list[str]) -> None:
        timed = self._cells.has(_TIME) or any(self._cells.has(f"{_TIME}.{one}") for one in purposes)
        if not (timed or self._as_of.stated):
            raise InputError(
                f"{self._path}: nothing says when its consents were given, so that one might undo a later withdrawal;"
                f" let a column become {_TIME}, or say when the file was exported with --as-of 2026-01-31T12:00:00",
                field=_TIME,
            )

    def _said(self, purposes: list[str]) -> pl.DataFrame:
        """A `set_consent` for each row that says anything of `purposes`. Denials may go without a time, grants not."""
        answers = {purpose: self._cells.typed(CONSENT + purpose, "yes_no") for purpose in purposes}
        time, source, version = (self._origin(name, purposes) for name in ORIGIN)
        answered = json_text.members({purpose: (answer, "yes_no") for purpose, answer in answers.items()})
        origin = json_text.members({"source": (source, json_text.TEXT), "text_version": (version, json_text.TEXT)})
        rows = pl.DataFrame([*self._who, time.alias("timestamp")]).with_columns(
            pl.lit("set_consent").alias("event"),
            pl.when(answered.is_not_null())
            .then(json_text.whole(answered, origin, json_text.nested("identities", self._identities)))
            .alias("properties"),
            pl.any_horizontal(pl.lit(purpose == "true").fill_null(value=False) for purpose in answers.values()).alias(
                "granted"
            ),
        )
        if not self._as_of.stated:
            untimed = rows["granted"] & rows["timestamp"].is_null()
            self._cells.refuse(untimed, _UNTIMED.format(_TIME, " or ".join(purposes)))
        return (
            rows.filter(pl.col("properties").is_not_null())
            .with_columns(pl.col("timestamp").fill_null(self._as_of.text))
            .drop("granted")
        )

    def _origin(self, name: str, purposes: list[str]) -> pl.Series:
        own = f"{name}.{purposes[0]}"
        target = own if self._cells.has(own) else name
        return self._cells.time(target) if name == _TIME else self._cells.text(target)

    def _moment(self) -> pl.Series:
        return self._cells.time("timestamp").fill_null(self._as_of.text).alias("timestamp")

    def _typed(self, trait: str) -> tuple[pl.Series, str]:
        kind = self._cells.kind(TRAITS + trait)
        return self._cells.typed(TRAITS + trait, kind), kind


def _first_of_each(consents: pl.DataFrame | None, schema: pl.Schema) -> pl.DataFrame:
    """The first consent of each line in its text form, with a reason where any of the line has one."""
    if consents is None:
        return pl.DataFrame(
            schema={name: schema[name] for name in ("line", "event", "timestamp", "properties", "reason")}
        )
    stamp = pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").alias("timestamp")
    return consents.group_by("line", maintain_order=True).agg(
        pl.col("event").first(), stamp.first(), pl.col("properties").first(), pl.col("reason").drop_nulls().first()
    )
