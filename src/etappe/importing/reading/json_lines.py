"""The objects of JSON, decoded in bulk and one by one only where a batch holds a bad one."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import polars as pl

from etappe.importing.reading import batch as rows_
from etappe.importing.reading import json_texts
from etappe.importing.reading import source as sources_
from etappe.importing.reading.batch import Broken

Row = TypeVar("Row")

_UNKNOWN_KEY: Final = "unknown field"


class Decoded(msgspec.Struct, Generic[Row], frozen=True):
    """The good lines of a batch as `values`, each with its line number, and the others."""

    lines: list[int]
    values: list[Row]
    broken: list[Broken]


def read(file: Path, kind: type[Row], own: Collection[str] | None = None) -> Iterator[Decoded[Row]]:
    """The objects of `file` as `kind`, in batches: a line each, in an array, or in the one list of an object.

    `own` are keys of a row, by which an object is known that stands for itself (None: every object does).

    Raises:
        InputError: the file cannot be read.
    """
    decoder = msgspec.json.Decoder(kind)
    for batch in json_texts.batches(sources_.of(file), own):
        yield _decoded(batch.filter(pl.col("text").str.strip_chars() != ""), decoder)


def _decoded(rows: pl.DataFrame, decoder: msgspec.json.Decoder[Row]) -> Decoded[Row]:
    bad = rows["text"].str.contains("\0", literal=True)
    numbers, texts = rows["line"].filter(~bad).to_list(), rows["text"].filter(~bad).to_list()
    unreadable = rows_.broken(rows.filter(bad), rows_.UNREADABLE)
    try:
        values = decoder.decode_lines("\n".join(texts))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        values = []
    if len(values) == len(texts):
        return Decoded(numbers, values, unreadable)
    decoded = _one_by_one(numbers, texts, decoder)
    decoded.broken.extend(unreadable)
    return decoded


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
        name = message.rpartition("`")[0].rpartition("`")[2]
        return f"line: {name!r} is no column; move it into properties, or map it: `etappe look` writes a mapping"
    field = place.strip("`$.") or "line"
    return f"{field}: {message[:1].lower()}{message[1:]}"
