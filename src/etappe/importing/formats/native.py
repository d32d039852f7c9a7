"""Etappe's own form: one event a row, as CSV, JSON lines or Parquet."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.events import nested
from etappe.importing.formats.intake import Intake
from etappe.importing.judging import amounts, checks
from etappe.importing.judging.spelling import Columns
from etappe.importing.reading import json_lines, sources
from etappe.importing.reading.batch import Batch, Broken
from etappe.importing.reading.json_lines import Decoded
from etappe.values import money

_COLUMNS: Final = sources.Columns(
    required=("event", "timestamp"),
    optional=tuple(name for name in checks.COLUMNS if name not in ("event", "timestamp")),
    closed=True,
)
_FLAGS: Final = {"t": "true", "f": "false"}
"""How PostgreSQL writes what is true or false."""
_Cell = str | int | float | None
_Lines = list[dict[str, Any]] | dict[str, Any] | str | None
SPELT: Final = Columns(
    ids=checks.IDS, time="timestamp", quantity="quantity", price="price", currency="currency",
    others=("event", "channel", "claim", "properties"),
)  # fmt: skip


class _Line(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A line of JSON: kinds are checked here, as the API would, and values with those of all other files."""

    event: str | None = None
    timestamp: _Cell = None
    event_id: _Cell = None
    user_id: _Cell = None
    anonymous_id: _Cell = None
    item_id: _Cell = None
    order_id: _Cell = None
    quantity: _Cell = None
    price: _Cell = None
    currency: str | None = None
    channel: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"null")
    claim: bool | None = None
    items: _Lines = None
    products: _Lines = None
    line_items: _Lines = None
    lineItems: _Lines = None  # noqa: N815 - as it is written
    lines: _Lines = None


def read(path: Path, intake: Intake) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows.

    Raises:
        InputError: a required column is missing, one is unknown, or the file cannot be read.
    """
    for batch in _batches(path, intake.spelling.reading.nobody):
        rows = intake.spelling.read(batch.rows, SPELT)
        if "claim" in rows.columns:
            rows = rows.with_columns(pl.col("claim").str.to_lowercase().replace(_FLAGS))
        amount = amounts.of(_number("quantity", rows), _number("price", rows)) * _sign(rows.columns)
        accepted = intake.accepted(batch, rows.with_columns(amount.alias("amount")))
        intake.items.note(accepted.filter(pl.col("event") != "refund").select(_ITEM))
        intake.items.note(accepted.filter(pl.col("event") == "refund").select("item_id", "time", "line"))
        yield accepted


_ITEM: Final = ("item_id", "time", "line", "price", "currency")


def _batches(path: Path, nobody: frozenset[str]) -> Iterator[Batch]:
    if sources.kind_of(path) != "jsonl":
        yield from sources.tabular(path, _COLUMNS)
        return
    for decoded in json_lines.read(path, _Line, checks.COLUMNS):
        numbers, values, broken = _flat(decoded, nobody)
        columns = {name: [_text(getattr(line, name)) for line in values] for name in checks.COLUMNS}
        schema = {"line": pl.Int64} | dict.fromkeys(checks.COLUMNS, pl.String)
        yield Batch(pl.DataFrame({"line": numbers} | columns, schema), [*decoded.broken, *broken])


def _flat(decoded: Decoded[_Line], nobody: frozenset[str]) -> tuple[list[int], list[_Line], list[Broken]]:
    """The lines of a batch, those that hold the lines of an order as one for each of these."""
    if not any(getattr(line, name) for line in decoded.values for name in nested.LISTS):
        return decoded.lines, decoded.values, []
    numbers: list[int] = []
    values: list[_Line] = []
    broken: list[Broken] = []
    for number, line in zip(decoded.lines, decoded.values, strict=True):
        fields = msgspec.structs.asdict(line) | {"properties": msgspec.json.decode(line.properties)}
        said = {name: value for name, value in fields.items() if value is not None}
        lines = nested.lines_of(said, nobody)
        if not lines and (name := next((name for name in nested.LISTS if said.get(name)), None)):
            broken.append(Broken(number, f"{name}: no list of objects", msgspec.json.encode(said).decode()))
            continue
        for one in lines or [said]:
            try:
                values.append(msgspec.json.decode(msgspec.json.encode(one), type=_Line))
                numbers.append(number)
            except msgspec.MsgspecError as error:
                broken.append(Broken(number, f"line: {error}", msgspec.json.encode(one).decode()))
    return numbers, values, broken


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, msgspec.Raw):
        text = bytes(value).decode()
        return None if text == "null" else text
    return money.plain(value) if isinstance(value, float) else repr(value)


def _number(name: str, rows: pl.DataFrame) -> pl.Expr:
    return pl.col(name).cast(pl.Float64, strict=False) if name in rows.columns else pl.lit(None, pl.Float64)


def _sign(columns: Sequence[str]) -> pl.Expr:
    """Money comes with a purchase and goes with a refund; other events move none, nor does what a browser claims."""
    claimed = pl.col("claim").str.to_lowercase() == "true" if "claim" in columns else pl.lit(value=False)
    sign = (
        pl.when(claimed)
        .then(0)
        .when(pl.col("event") == "purchase")
        .then(1)
        .when(pl.col("event") == "refund")
        .then(-1)
        .otherwise(0)
    )
    return sign.cast(pl.Int128)
