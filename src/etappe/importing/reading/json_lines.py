"""JSON, one object a line, decoded in bulk and one by one only where a batch holds a bad line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import polars as pl

from etappe.importing.reading import batch as rows_
from etappe.importing.reading import lines
from etappe.importing.reading.batch import Broken

Row = TypeVar("Row")

_UNKNOWN_KEY: Final = "unknown field"


class Decoded(msgspec.Struct, Generic[Row], frozen=True):
    """The good lines of a batch as `values`, each with its line number, and the others."""

    lines: list[int]
    values: list[Row]
    broken: list[Broken]


def read(path: Path, kind: type[Row]) -> Iterator[Decoded[Row]]:
    """The lines of `path` as `kind`, in batches. Empty lines are no rows.

    Raises:
        InputError: the file cannot be read.
    """
    decoder = msgspec.json.Decoder(kind)
    for batch in lines.batches(path):
        yield _decoded(batch.filter(pl.col("text").str.strip_chars() != ""), decoder)


def _decoded(rows: pl.DataFrame, decoder: msgspec.json.Decoder[Row]) -> Decoded[Row]:
    numbers, texts = rows["line"].to_list(), rows["text"].to_list()
    try:
        values = decoder.decode_lines("\n".join(texts))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        values = []
    if len(values) == len(texts):
        return Decoded(numbers, values, [])
    return _one_by_one(numbers, texts, decoder)


def _one_by_one(numbers: list[int], texts: list[str], decoder: msgspec.json.Decoder[Row]) -> Decoded[Row]:
    decoded: Decoded[Row] = Decoded([], [], [])
    for number, text in zip(numbers, texts, strict=True):
        try:
            decoded.values.append(decoder.decode(text))
            decoded.lines.append(number)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            decoded.broken.append(Broken(number, _reason(error), text))
    return decoded


def _reason(error: Exception) -> str:
    """One of few reasons: the field and what is wrong with it, without what differs from row to row."""
    if not isinstance(error, msgspec.ValidationError):
        return rows_.NOT_JSON
    message, _, place = str(error).partition(" - at ")
    if _UNKNOWN_KEY in message:
        return "line: a key that is no column; move it into properties"
    field = place.strip("`$.") or "line"
    return f"{field}: {message[:1].lower()}{message[1:]}"
