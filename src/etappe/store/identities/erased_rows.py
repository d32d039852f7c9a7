"""Rows of the log without what erased customers sent, until the worker has rewritten the log."""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from etappe.store.identities.erasure import Erasure

_SCHEMA: Final = pl.Schema({"subject": pl.Binary(), "erased": pl.Datetime("us", "UTC")})


def visible(
    rows: pl.LazyFrame, erasures: list[Erasure], moment: str = "received", by: tuple[str, ...] = ("subject",)
) -> pl.LazyFrame:
    """Rows of a table without what came in of erased subjects before they were erased.

    `moment` is the column that says when a row came in, `by` are those with subjects.
    """
    if not erasures:
        return rows
    told = [(subject, datetime.fromtimestamp(one.since / 1000, UTC)) for one in erasures for subject in one.subjects]
    gone = pl.DataFrame(told, schema=_SCHEMA, orient="row").group_by("subject").agg(pl.col("erased").max())
    for name in by:
        joined = rows.join(gone.lazy(), left_on=name, right_on="subject", how="left", maintain_order="left")
        rows = joined.filter(pl.col("erased").is_null() | (pl.col(moment) > pl.col("erased"))).drop("erased")
    return rows
