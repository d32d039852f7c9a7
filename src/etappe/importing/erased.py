"""Rows of customers who were erased: what happened before that does not come back by a file."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import polars as pl

from etappe.events.identities import Identity
from etappe.events.naming import anywhere
from etappe.events.naming.sought import NAMING, Search
from etappe.events.naming.telling import ADDRESSES
from etappe.ids import Subject, subject_of, tombstone_of
from etappe.importing import amounts
from etappe.importing.ledger import Ledger
from etappe.store.identities.tombstones import Tombstone
from etappe.store.log.schema import TIME

REASON: Final = "erased: the customer was erased since"
_MOMENTS: Final = ("timestamp", "event_time", "InvoiceDate")
"""The columns in which files say when something happened."""
_SHORTEST: Final = 6
_REMEMBERED: Final = 100_000


class Erased:
    """Who was erased, by their tombstones: an identity is one of theirs if its keyed hash is."""

    kinds: Sequence[str] = ()
    """A tombstone does not tell the names of other systems, so their ids are known where they stand, not in texts."""

    def __init__(self, stones: Iterable[Tombstone], secret: bytes) -> None:
        self._stones = {stone.mark: stone for stone in stones}
        self._since = {mark: _since(stone) for mark, stone in self._stones.items()}
        self._secret = secret
        self._erased = lru_cache(maxsize=_REMEMBERED)(self._stone_of)

    def _stone_of(self, identity: Identity) -> Tombstone | None:
        kinds = ADDRESSES if identity.kind in ADDRESSES else (identity.kind,)
        marks = (tombstone_of(self._secret, subject_of(self._secret, kind, identity.value)) for kind in kinds)
        return max((self._stones[mark] for mark in marks if mark in self._stones), key=_since, default=None)

    def without(self, rows: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
        """Identified `rows` without those of erased customers from before, which are booked as skipped.

        Rows of others lose what names one of them, as they lose it when the log is rewritten: an identity and the
        payload they were made of, or a token of a text.
        """
        if not self._since or rows.is_empty():
            return rows
        gone = self._is_before(rows, rows["subject"])
        if gone.any():
            ledger.leave_out(_with_amount(rows.filter(gone)), REASON)
        return self._unnamed(rows.filter(~gone))

    def named_in(self, row: Any) -> bool:
        """Whether a row that was rejected, its fields or the text of its line, names one of the erased from before."""
        return bool(self._since) and anywhere.is_named(Search(self, _time_of(row)), row)

    def whose(self, identity: Identity, moment: datetime | None) -> str | None:
        """Their own tombstone's receipt, where an identity was erased and `moment` is not after that."""
        stone = self._erased(identity)
        return stone.receipt if stone is not None and (moment is None or moment <= _since(stone)) else None

    def may_tell(self, text: str) -> bool:
        """Whether a text is long enough to name somebody."""
        return len(text) >= _SHORTEST and bool(self._since)

    def _is_before(self, rows: pl.DataFrame, subjects: pl.Series) -> pl.Series:
        """Whether each of `rows` is from before its subject was erased."""
        known = subjects.unique().drop_nulls()
        since = [self._since.get(tombstone_of(self._secret, Subject(one))) for one in known]
        table = pl.DataFrame([known.alias("whose"), pl.Series("since", since, dtype=TIME)])
        found = subjects.to_frame("whose").join(table, on="whose", how="left", maintain_order="left")["since"]
        return (rows["time"] <= found).fill_null(value=False)

    def _unnamed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of others without the names of the erased, and without what tells them in properties and payloads."""
        names = [name for name in NAMING if name in rows.columns]
        said = pl.any_horizontal(pl.col(names).is_not_null()) & (pl.col("time") <= max(self._since.values()))
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
    sign = pl.when(sold).then(1).when(back).then(-1).otherwise(0).cast(pl.Int128)
    return own.with_columns((amount.fill_null(0) * sign).alias("amount"))


def _since(stone: Tombstone) -> datetime:
    return datetime.fromtimestamp(stone.since / 1000, UTC)


def _time_of(row: Any) -> datetime | None:
    """When a rejected row says that it happened, as far as that can be read."""
    said = next((row[name] for name in _MOMENTS if row.get(name)), "") if isinstance(row, dict) else ""
    try:
        found = datetime.fromisoformat(said)
    except (ValueError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
