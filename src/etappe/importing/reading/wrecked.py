"""Ids that a spreadsheet has shortened: `4.00638E+12` was thirteen digits, which nothing brings back."""

import re
from typing import Final

import polars as pl

from etappe.importing.reading.batch import LINE
from etappe.importing.reading.source import Source

SIGN: Final = "E+"
"""What a file without such ids does not have."""

_SHORTENED: Final = r"^\d(?:[.,]\d+)?[eE]\+\d\d$"
_IDS: Final = re.compile(r".*(?:id|ids|sku|ean|gtin|upc|barcode|number|nummer|no|nr|code|key)", re.IGNORECASE)


class Wrecked:
    """Counts shortened ids by column, as rows are read."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, tuple[str, int]] = {}

    def look(self, rows: pl.DataFrame) -> None:
        """Takes in `rows` under the names of their file."""
        for name in rows.columns:
            if name == LINE or not _IDS.fullmatch(name):
                continue
            bad = rows.filter(pl.col(name).str.contains(_SHORTENED))
            if bad.height:
                self._counts[name] = self._counts.get(name, 0) + bad.height
                self._examples.setdefault(name, (bad[name][0], bad[LINE][0]))

    def tell(self, source: Source) -> None:
        """Notes what was found."""
        for name, count in self._counts.items():
            example, line = self._examples[name]
            source.note(
                f"column {name!r} holds {count} ids that a spreadsheet has shortened, such as {example!r} in line"
                f" {line}: their digits are lost, and different ones may have become one; export it with that column as"
                " text"
            )
