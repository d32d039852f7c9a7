"""Rows of customers who were erased: what happened before that does not come back by a file."""

from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from etappe.events.naming.sought import NAMING, Search
from etappe.ids import Subject
from etappe.importing.judging import amounts
from etappe.importing.judging.ledger import Ledger
from etappe.log.schema import TIME
from etappe.store.identities.remembered import Remembered

REASON: Final = "erased: the customer was erased since"
_MOMENTS: Final = ("timestamp", "event_time", "InvoiceDate")
"""The columns in which files say when something happened."""


class Erased(Remembered):
    """Those who were erased before a file is imported."""

    def without(self, rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
        """Identified `rows` without those of erased customers from before, which are booked as skipped.

        Rows of others lose what names one of them, as they lose it when the log is rewritten: an identity and the
        payload they were made of, or a token of a text.
        """
        if self.last() is None or rows.is_empty():
            return rows
        gone = self._is_before(rows, rows["subject"])
        if gone.any():
            ledger.leave_out(_with_amount(rows.filter(gone)), REASON)
        return self._unnamed(rows.filter(~gone))

    def named_in(self, row: Any) -> bool:
        """Whether a row that was rejected, its fields or the text of its line, names one of the erased from before."""
        return self.is_named(row, _time_of(row))

    def _is_before(self, rows: pl.DataFrame, subjects: pl.Series) -> pl.Series:
        """Whether each of `rows` is from before its subject was erased."""
        known = subjects.unique().drop_nulls()
        since = [self.since(Subject(one)) for one in known]
        table = pl.DataFrame([known.alias("whose"), pl.Series("since", since, dtype=TIME)])
        found = subjects.to_frame("whose").join(table, on="whose", how="left", maintain_order="left")["since"]
        return (rows["time"] <= found).fill_null(value=False)

    def _unnamed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of others without the names of the erased, and without what tells them in properties and payloads."""
        names = [name for name in NAMING if name in rows.columns]
        said = pl.any_horizontal(pl.col(names).is_not_null()) & (pl.col("time") <= self.last())
        places = rows.select(said.fill_null(value=False)).to_series().arg_true()
        left = [self._left(row) for row in rows[places].select("event", "time", *names).iter_rows(named=True)]
        return rows.with_columns(
            rows[name].clone().scatter(places, pl.Series([row[at] for row in left], dtype=pl.String))
            for at, name in enumerate(NAMING)
            if name in names
        )

    def _left(self, row: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
        return Search(self, row["time"]).left(row["event"], *(row.get(name) for name in NAMING))


def _with_amount(rows: pl.DataFrame) -> pl.DataFrame:
    own = rows.filter(~pl.col("derived")) if "derived" in rows.columns else rows
    amount = amounts.of(pl.col("quantity").cast(pl.Float64), pl.col("price"))
    sold, back = pl.col("event") == "purchase", pl.col("event") == "refund"
    sign = pl.when(pl.col("claim")).then(0).when(sold).then(1).when(back).then(-1).otherwise(0).cast(pl.Int128)
    return own.with_columns((amount.fill_null(0) * sign).alias("amount"))


def _time_of(row: Any) -> datetime | None:
    """When a rejected row says that it happened, as far as that can be read."""
    said = next((row[name] for name in _MOMENTS if row.get(name)), "") if isinstance(row, dict) else ""
    try:
        found = datetime.fromisoformat(said)
    except (ValueError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
