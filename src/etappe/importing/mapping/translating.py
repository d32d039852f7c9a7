"""Rows of any file as native events, as a mapping says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.formats import native
from etappe.importing.formats.intake import Intake
from etappe.importing.formats.registry import Format
from etappe.importing.judging import amounts, checks
from etappe.importing.judging.spelling import Spelling, Stated
from etappe.importing.mapping import conditions, json_text, tables
from etappe.importing.mapping.mapping import SKIP, EventRule, Mapping, by_target
from etappe.importing.mapping.repeated import Repeated
from etappe.importing.mapping.row_cells import RowCells, completed
from etappe.importing.mapping.targets import FACT, FACTS, IDENTITIES, PROPERTIES, TRAITS, meant
from etappe.importing.mapping.traits_seen import TraitsSeen
from etappe.importing.reading.batch import LINE, Batch

NO_EVENT: Final = "no event of the mapping holds for it"
_TEXTS: Final = (*checks.IDS, "quantity", "price", "currency", "channel", "claim")
_PLACES: Final = 6
_SIGNS: Final = {"purchase": 1, "refund": -1}


def format_of(mapping: Mapping) -> Format:
    """The format of files that `mapping` speaks of."""
    return Format(lambda path, intake: read(path, intake, mapping), tells_items=_tells_items(mapping))


def read(path: Path, intake: Intake, mapping: Mapping) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows and, at the end, of derived `set_traits`. `rows` counts the events that lines make.

    Raises:
        InputError: the file has no column that the mapping names, or cannot be read.
    """
    table = tables.read(path, mapping.file.encoding, mapping.file.separator)
    check_headers(path, table.header, mapping)
    zoned = spelt(intake, mapping)
    traits, repeated = TraitsSeen(), Repeated(mapping.repeat)
    for batch in table.batches:
        rows = repeated.filled(completed(batch.rows, mapping.headers()))
        made, found = _translated(rows, mapping, zoned)
        accepted = zoned.accepted(Batch(made.rename({LINE: "line"}), batch.broken), found)
        _note(accepted, intake)
        if "traits" in accepted.columns:
            traits.note(accepted)
        yield accepted.drop("traits", *FACTS, strict=False)
    yield from traits.changes()
    tables.tell(path, table)


def check_headers(path: Path, header: list[str], mapping: Mapping) -> None:
    """Raises InputError where the mapping speaks of columns that the file does not have."""
    missing = [name for name in sorted(mapping.headers()) if name not in header]
    if missing:
        told = ", ".join(f"{name!r}{meant(name, header)}" for name in missing)
        raise InputError(f"{path} has no column {told}; it has {', '.join(map(repr, header))}", field=missing[0])


def spelt(intake: Intake, mapping: Mapping) -> Intake:
    """`intake` in the zone of the mapping, which has settled what texts leave open."""
    stated = Stated(
        dates=mapping.file.dates if mapping.file.dates in ("dmy", "mdy", "excel") else None,
        decimals="comma" if mapping.file.decimal == "," else "point",
    )
    zone = mapping.file.zone or intake.zone
    spelling = Spelling(intake.spelling.reading, zone, intake.now, stated)
    return msgspec.structs.replace(intake, zone=zone, spelling=spelling)


def _tells_items(mapping: Mapping) -> bool:
    every = [mapping.columns, *(rule.columns for rule in mapping.events)]
    return any(target.startswith(FACT) for columns in every for target in by_target(columns))


def _translated(rows: pl.DataFrame, mapping: Mapping, intake: Intake) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows, once for each event they make, and these events in the same order."""
    skipped = _skips(rows, mapping)
    rules = mapping.events or [EventRule()]
    holding = [_each(rows, conditions.holds(rule.when, rule.unless)) & skipped.is_null() for rule in rules]
    pairs = [(rows.filter(mask), rule) for mask, rule in zip(holding, rules, strict=True)]
    made = [(some, _native(some, rule, mapping, intake)) for some, rule in pairs if not some.is_empty()]
    idle = pl.select(~pl.any_horizontal(holding)).to_series()
    if idle.any():
        reasons = skipped.filter(idle).fill_null(NO_EVENT).alias("skip")
        rest = rows.filter(idle)
        made.append((rest, _idle(rest, reasons, rules[0], mapping, intake)))
    if not made:
        return rows, _native(rows, rules[0], mapping, intake)
    return pl.concat([some for some, _ in made]), pl.concat([found for _, found in made], how="diagonal")


def _skips(rows: pl.DataFrame, mapping: Mapping) -> pl.Series:
    """The reason of the first rule of `[[skip]]` that holds of each row."""
    found = [pl.when(conditions.holds(rule.when, rule.unless)).then(pl.lit(rule.reason)) for rule in mapping.skip]
    return _each(rows, pl.coalesce(*found, pl.lit(None, pl.String)))


def _each(rows: pl.DataFrame, said: pl.Expr) -> pl.Series:
    """What is said of each row, also where no column is asked."""
    return rows.with_columns(said.alias("said"))["said"]


def _idle(rows: pl.DataFrame, reasons: pl.Series, rule: EventRule, mapping: Mapping, intake: Intake) -> pl.DataFrame:
    """Rows that make no event, with what they are worth."""
    money = _native(rows, rule, mapping, intake).select("line", "amount", "event", "currency")
    return money.with_columns(reasons, pl.lit(None, pl.String).alias("reason"))


def _native(rows: pl.DataFrame, rule: EventRule, mapping: Mapping, intake: Intake) -> pl.DataFrame:
    constants = rule.constants | ({"event": rule.event} if rule.event else {})
    cells = RowCells(mapping, rows, intake.zone, by_target(rule.columns), constants)
    event = cells.text("event")
    columns = [
        rows[LINE].alias("line"),
        pl.select(pl.when(event != SKIP).then(event).alias("event")).to_series(),
        _timestamp(cells),
        *(cells.text(name) for name in _TEXTS),
        *(cells.text(FACT + fact).alias(fact) for fact in FACTS if cells.has(FACT + fact)),
        *_objects(cells),
    ]
    read = intake.spelling.read(pl.DataFrame(columns), native.SPELT)
    total = cells.typed("total", "number") if cells.has("total") else None
    priced = read.with_columns(_price(total), pl.coalesce(cells.reason(), "reason").alias("reason"))
    return priced.with_columns(_skipped(cells, event).alias("skip"), *_unsigned()).with_columns(_amount(event))


def _skipped(cells: RowCells, event: pl.Series) -> pl.Series:
    """Why rows are left out by the value of their event."""
    left = event == SKIP
    header = cells.header("event")
    said = (cells.rows[header] if header else event).fill_null("empty")
    return pl.select(pl.when(left).then(pl.format("{}: {}", pl.lit(header or "event"), said))).to_series()


def _timestamp(cells: RowCells) -> pl.Series:
    if not cells.has("date"):
        return cells.time("timestamp")
    day, clock = cells.time("date"), cells.text("time").str.replace(r"^(\d):", "0$1:")
    whole = pl.concat_str(day.str.slice(0, 10), clock.fill_null("00:00"), separator="T")
    return pl.select(pl.when(day.is_not_null()).then(whole).alias("timestamp")).to_series()


def _price(total: pl.Series | None) -> pl.Expr:
    """The price of one, out of the money of the whole line where nothing else tells it."""
    if total is None:
        return pl.col("price")
    pieces = pl.col("quantity").cast(pl.Float64, strict=False).abs().fill_null(1)
    each = (pl.lit(total).cast(pl.Float64) / pieces).round(_PLACES)
    return pl.coalesce("price", pl.when(pieces > 0).then(each).cast(pl.String)).alias("price")


def _unsigned() -> list[pl.Expr]:
    """Of what comes back pieces and price may be written below zero."""
    return [
        pl.when(pl.col("event") == "refund").then(pl.col(name).str.strip_prefix("-")).otherwise(name).alias(name)
        for name in ("quantity", "price")
    ]


def _objects(cells: RowCells) -> list[pl.Series]:
    """`properties` with identities, and `traits`, as JSON."""
    identities = {name: (cells.text(IDENTITIES + name), "text") for name in cells.targets(IDENTITIES)}
    own = {name: _typed(cells, PROPERTIES + name) for name in cells.targets(PROPERTIES)}
    said = {name: _typed(cells, TRAITS + name) for name in cells.targets(TRAITS)}
    parts = [json_text.members(own)] if own else []
    if identities:
        parts.append(json_text.nested("identities", json_text.members(identities)))
    found = (
        [pl.select(json_text.whole(*parts).alias("properties")).to_series()] if parts else [cells.text("properties")]
    )
    if said:
        found.append(pl.select(json_text.whole(json_text.members(said)).alias("traits")).to_series())
    return found


def _typed(cells: RowCells, target: str) -> tuple[pl.Series, str]:
    kind = cells.kind(target)
    return cells.typed(target, kind), kind


def _amount(event: pl.Series) -> pl.Expr:
    """Money comes with a purchase and goes with a refund; other events move none, nor does what a browser claims.

    Of rows that are left out the sign of a purchase counts, as they say what they would have been worth.
    """
    sign = event.replace_strict(_SIGNS | {SKIP: 1}, default=0, return_dtype=pl.Int128)
    claimed = (pl.col("claim").str.to_lowercase() == "true").fill_null(value=False)
    quantity, price = (pl.col(name).cast(pl.Float64, strict=False) for name in ("quantity", "price"))
    number = amounts.of(quantity, price) * pl.when(claimed).then(0).otherwise(sign).cast(pl.Int128)
    return number.alias("amount")


def _note(accepted: pl.DataFrame, intake: Intake) -> None:
    facts = [name for name in FACTS if name in accepted.columns]
    sold = accepted.filter(pl.col("event") != "refund")
    intake.items.note(sold.select("item_id", "time", "line", "price", "currency", *facts))
    intake.items.note(accepted.filter(pl.col("event") == "refund").select("item_id", "time", "line"))
