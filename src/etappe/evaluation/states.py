"""Customers as they were at the cut: the log's events through the same fold that serves them."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from etappe.customers.base import EMPTY
from etappe.customers.records import EVENT, MAX_QUANTITY
from etappe.customers.state import State, extend
from etappe.events.vocabulary import CODES
from etappe.ids import item_hash, order_hash


def states(events: pl.LazyFrame, half_life_days: float) -> dict[bytes, State]:
    """The state of each identified customer after `events` (columns of `store.schema.EVENT`), by subject."""
    columns = ("subject", "event", "time", "item_id", "quantity", "price", "order_id")
    known = events.filter(pl.col("subject").is_not_null()).select(columns).collect()
    known = known.sort("subject", "time", maintain_order=True)
    records = _records(known)
    return {subject: _state(records[low:high], half_life_days) for subject, low, high in _runs(known["subject"])}


def _state(records: NDArray[np.void], half_life_days: float) -> State:
    base = extend(EMPTY, records, [], half_life_days)
    return State(base=base, session=np.zeros(0, EVENT), half_life_days=half_life_days, digest="")


def _records(rows: pl.DataFrame) -> NDArray[np.void]:
    """EVENT[n] of the log's rows. Event hashes stay 0: a log has every event once."""
    records = np.zeros(rows.height, EVENT)
    records["item"] = _hashed(rows["item_id"], item_hash)
    records["order"] = _hashed(rows["order_id"], order_hash)
    records["time"] = rows["time"].dt.epoch("s").clip(0).to_numpy()
    records["value"] = rows["price"].fill_null(0.0).to_numpy()
    records["quantity"] = rows["quantity"].fill_null(1).clip(0, MAX_QUANTITY).to_numpy()
    records["code"] = rows["event"].replace_strict(CODES, default=0, return_dtype=pl.UInt8).to_numpy()
    return records


def _hashed(ids: pl.Series, hashed: Callable[[str], int]) -> NDArray[np.uint64]:
    """uint64[n]: the hash of each id, 0 for none; each distinct id is hashed once."""
    names = ids.drop_nulls().unique()
    table = {name: hashed(name) for name in names}
    hashes: NDArray[np.uint64] = ids.replace_strict(table, default=0, return_dtype=pl.UInt64).to_numpy()
    return hashes


def _runs(subjects: pl.Series) -> Iterator[tuple[bytes, int, int]]:
    """Each distinct value of sorted `subjects` with the bounds of its rows."""
    runs = subjects.rle().struct.unnest()
    high = runs["len"].cum_sum()
    yield from zip(runs["value"], high - runs["len"], high, strict=True)
