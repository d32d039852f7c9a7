"""The cut, and what lies on either side of it."""

from datetime import UTC, datetime

import polars as pl
import pytest

from etappe.errors import InputError
from etappe.evaluation.split import split

Row = tuple[str, str | None, str, float]


def _make(rows: list[Row]) -> pl.LazyFrame:
    from tests.unit.evaluation.conftest import make

    return make(rows)


ROWS: list[Row] = [
    ("purchase", "x", "a", 0.0),
    ("purchase", "x", "a", 1.0),
    ("purchase", "y", "b", 10.0),
    ("view_item", "x", "b", 5.0),
    ("purchase", None, "c", 5.0),
    ("purchase", "x", "b", 10.5),
    ("purchase", "x", "a", 11.0),
    ("purchase", "x", "c", 11.0),
    ("purchase", "z", "a", 12.0),
    ("purchase", "y", "d", 15.0),
    ("view_item", "x", "a", 99.0),
]
