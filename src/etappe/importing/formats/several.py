"""Several files as one import: their rows one file after the other, each line known by its file."""

from collections.abc import Iterator, Sequence

import polars as pl

from etappe.importing.formats.intake import Intake
from etappe.importing.formats.registry import Format
from etappe.importing.reading.batch import FILE
from etappe.importing.reading.source import Source


def read(form: Format, files: Sequence[Source], intake: Intake) -> Iterator[pl.DataFrame]:
    """The accepted rows of `files`; `line` is counted from the file's number times `FILE` on.

    Raises:
        InputError: one of the files cannot be read as this format.
    """
    for number, file in enumerate(files):
        intake.ledger.begin(file if len(files) > 1 else None)
        for rows in form.read(file, intake):
            yield rows.with_columns(pl.col("line") + number * FILE) if number else rows
