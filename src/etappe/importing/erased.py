"""Rows of customers who were erased: what happened before that does not come back by a file."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import polars as pl

from etappe.events.identities import ANONYMOUS, IDENTITIES
from etappe.ids import Subject, subject_of, tombstone_of
from etappe.importing import amounts, persons
from etappe.importing.ledger import Ledger
from etappe.store.identities.tombstones import Tombstone
from etappe.store.log.schema import TIME

REASON: Final = "erased: the customer was erased since"
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


class Erased:
    """Who was erased, by their tombstones."""

    def __init__(self, stones: Iterable[Tombstone], secret: bytes) -> None:
        self._since = {stone.mark: datetime.fromtimestamp(stone.since / 1000, UTC) for stone in stones}
        self._secret = secret

    def without(self, rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
        """Identified `rows` without those of erased customers from before, which are booked as skipped.

        Rows of others that name an identity of theirs lose that name, and the payload they were made of.
        """
        if not self._since or rows.is_empty():
            return rows
        gone = self._is_before(rows, rows["subject"])
        if gone.any():
            ledger.leave_out(_with_amount(rows.filter(gone)), REASON)
        return self._unnamed(rows.filter(~gone))

    def _is_before(self, rows: pl.DataFrame, subjects: pl.Series) -> pl.Series:
        """Whether each of `rows` is from before its subject was erased."""
        known = subjects.unique().drop_nulls()
        since = [self._since.get(tombstone_of(self._secret, Subject(one))) for one in known]
        table = pl.DataFrame([known.alias("whose"), pl.Series("since", since, dtype=TIME)])
        found = subjects.to_frame("whose").join(table, on="whose", how="left", maintain_order="left")["since"]
        return (rows["time"] <= found).fill_null(value=False)

    def _unnamed(self, rows: pl.DataFrame) -> pl.DataFrame:
        browsers = rows["anonymous_id"].unique().drop_nulls()
        subjects = [subject_of(self._secret, ANONYMOUS, one) for one in browsers]
        table = pl.DataFrame([browsers, pl.Series("whose", subjects, dtype=pl.Binary)])
        foreign = self._is_before(rows, rows.join(table, on="anonymous_id", how="left", maintain_order="left")["whose"])
        properties = self._left_of(rows)
        changed = foreign | properties.ne_missing(rows["properties"])
        if not changed.any():
            return rows
        lost = [pl.when(~foreign).then("anonymous_id").alias("anonymous_id"), properties.alias("properties")]
        if "raw" in rows.columns:
            lost.append(pl.when(~changed).then("raw").alias("raw"))
        return rows.with_columns(lost)

    def _left_of(self, rows: pl.DataFrame) -> pl.Series:
        places = rows.select(persons.naming()).to_series().arg_true()
        if places.is_empty():
            return rows["properties"]
        left = [self._left(text, time) for text, time in rows[places].select("properties", "time").iter_rows()]
        return rows["properties"].clone().scatter(places, pl.Series(left, dtype=pl.String))

    def _left(self, text: str, time: datetime) -> str | None:
        said = _OBJECT.decode(text)
        found = said.pop(IDENTITIES)
        left = {kind: value for kind, value in found.items() if not self._is_gone(kind, value, time)}
        if len(left) == len(found):
            return text
        rest = said | ({IDENTITIES: left} if left else {})
        return msgspec.json.encode(rest).decode() if rest else None

    def _is_gone(self, kind: str, value: str, time: datetime) -> bool:
        since = self._since.get(tombstone_of(self._secret, subject_of(self._secret, kind, value)))
        return since is not None and time <= since


def _with_amount(rows: pl.DataFrame) -> pl.DataFrame:
    own = rows.filter(~pl.col("derived")) if "derived" in rows.columns else rows
    amount = amounts.of(pl.col("quantity").cast(pl.Float64), pl.col("price"))
    sold, back = pl.col("event") == "purchase", pl.col("event") == "refund"
    sign = pl.when(sold).then(1).when(back).then(-1).otherwise(0).cast(pl.Int128)
    return own.with_columns((amount.fill_null(0) * sign).alias("amount"))
