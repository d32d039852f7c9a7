"""Files of other systems' payloads, one a line: translated as the API translates them, judged as all rows are."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.catalog import stubs
from etappe.errors import InputError
from etappe.events.intake import Rejected
from etappe.events.translation.lines import Lost
from etappe.events.translation.translated import Translated
from etappe.events.vocabulary import Event, ItemEvent, SetConsent
from etappe.importing.formats.intake import Intake
from etappe.importing.judging import amounts, checks
from etappe.importing.reading import json_lines, sources
from etappe.importing.reading.batch import Batch, Broken
from etappe.values.reading import Reading

Translate = Callable[[bytes, Reading], Iterable[Translated]]
"""What a line says, its values read as given; InputError where it is no payload."""

_AT_ONCE: Final = 4096
"""Lines that are translated together, as payloads are long."""
_TEXTS: Final = ("title", "brand", "category", "url", "image")
_SCHEMA: Final = {"line": pl.Int64} | dict.fromkeys(
    (*checks.COLUMNS, "raw", "reason", "skip", "payload", "lost", *_TEXTS), pl.String
)
_ITEM: Final = ("item_id", "time", "line", "price", "currency", *_TEXTS)
_ENCODER: Final = msgspec.json.Encoder()

Row = dict[str, Any]


def read(path: Path, intake: Intake, translate: Translate) -> Iterator[pl.DataFrame]:
    """Frames of the accepted events of the lines of `path`.

    Raises:
        InputError: it is no file of JSON lines, or cannot be read.
    """
    sources.kind_of(path, ("jsonl",))
    reading = intake.spelling.payloads("amounts")
    for decoded in json_lines.read(path, msgspec.Raw):
        pairs = zip(decoded.lines, decoded.values, strict=True)
        broken = decoded.broken
        while some := list(islice(pairs, _AT_ONCE)):
            rows, bad = _translated(some, lambda raw: translate(raw, reading))
            yield accepted(rows, [*broken, *bad], intake)
            broken = []
        if broken:
            yield accepted([], broken, intake)


def accepted(rows: list[Row], broken: list[Broken], intake: Intake) -> pl.DataFrame:
    """The good rows of `rows`, the items of which are noted; the rest is booked."""
    frame = pl.DataFrame(rows, schema=_SCHEMA)
    quantity, price = pl.col("quantity").cast(pl.Float64, strict=False), pl.col("price").cast(pl.Float64, strict=False)
    amount = pl.coalesce(pl.col("lost").cast(pl.Int128), amounts.of(quantity, price) * _sign())
    native = frame.with_columns(amount.alias("amount")).drop("payload", "lost")
    good = intake.accepted(Batch(frame.select("line", "payload"), broken), native)
    intake.items.note(good.filter(pl.col("event") != "refund").select(_ITEM))
    intake.items.note(good.filter(pl.col("event") == "refund").select("item_id", "time", "line"))
    return good.drop(_TEXTS)


def row_of(line: int, event: Event, raw: bytes | None, payload: str) -> Row:
    """An event as a row of text cells."""
    fields = msgspec.structs.asdict(event)
    cells: Row = {name: fields[name] for name in (*checks.IDS, "currency", "channel")}
    cells |= {name: None if fields[name] is None else repr(fields[name]) for name in ("quantity", "price")}
    cells["timestamp"] = event.timestamp and event.timestamp.isoformat()
    cells["properties"] = _ENCODER.encode(event.properties).decode() if event.properties else None
    cells |= {"event": event.__struct_config__.tag, "raw": raw and raw.decode()}
    return {"line": line, "payload": payload} | cells | (_described(event) if isinstance(event, ItemEvent) else {})


def _translated(
    lines: list[tuple[int, msgspec.Raw]], translate: Callable[[bytes], Iterable[Translated]]
) -> tuple[list[Row], list[Broken]]:
    rows: list[Row] = []
    broken: list[Broken] = []
    for line, raw in lines:
        try:
            for done in translate(bytes(raw)):
                rows += _rows(line, done)
        except InputError as error:
            broken.append(Broken(line, _short(str(error), error.field), bytes(raw).decode()))
    return rows, broken


def _rows(line: int, done: Translated) -> list[Row]:
    payload = done.raw.decode()
    place = next((place for place, one in enumerate(done.events) if not isinstance(one, SetConsent)), 0)
    made = [row_of(line, one, done.raw if at == place else None, payload) for at, one in enumerate(done.events)]
    return made + [_refused(line, one, payload, lost) for one, lost in zip(done.refused, done.lost, strict=True)]


def _refused(line: int, refused: Rejected, payload: str, lost: Lost) -> Row:
    """A row for what makes no event, with its money: left out where there is none for its name, else rejected."""
    kind, reason = ("skip", refused.reason) if refused.field == "event" else ("reason", lost.reason or refused.reason)
    return {"line": line, "payload": payload, kind: reason, "lost": str(lost.micro), "currency": lost.currency}


def _short(message: str, field: str | None) -> str:
    """One of few reasons, without what differs from line to line."""
    return f"{field}: cannot be translated" if field else message.partition(":")[0]


def _described(event: ItemEvent) -> Row:
    """What a product is called, in either system's words."""
    return dict(stubs.described(event.properties or {}))


def _sign() -> pl.Expr:
    """Money comes with a purchase and goes with a refund; other events move none."""
    sign = pl.when(pl.col("event") == "purchase").then(1).when(pl.col("event") == "refund").then(-1).otherwise(0)
    return sign.cast(pl.Int128)
