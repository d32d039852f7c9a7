"""Segment's messages: one a line, or batches and lists of them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from etappe.events.translation import segment, values
from etappe.events.translation.segment_messages import BATCH, of_batch
from etappe.events.translation.translated import Translated
from etappe.importing.formats import payloads
from etappe.importing.formats.intake import Intake
from etappe.values.reading import Reading


def read(path: Path, intake: Intake) -> Iterator[pl.DataFrame]:
    """Frames of accepted rows.

    Raises:
        InputError: it is no file of JSON lines, or cannot be read.
    """
    yield from payloads.read(path, intake, _messages)


def _messages(line: bytes, reading: Reading) -> Iterator[Translated]:
    if line.lstrip()[:1] == b"[":
        listed = of_batch({BATCH: msgspec.Raw(line)})
    else:
        whole = values.parts(line)
        listed = of_batch(whole) if BATCH in whole else of_batch({BATCH: msgspec.Raw(b"[" + line + b"]")})
    return (segment.translate(message, reading=reading) for message in listed)
