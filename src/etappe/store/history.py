"""Customers' histories out of the log, through the same fold that serves them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from etappe.customers.base import EMPTY, Base
from etappe.customers.records import CARRIES_BLOCKS, EVENT, MAX_QUANTITY, VERSION
from etappe.customers.state import Said, extend, in_order
from etappe.events.vocabulary import CHANNELS, CODES, NAMES
from etappe.ids import Subject, event_hash, item_hash, order_hash
from etappe.store.log import Log

PORTION_ROWS: Final = 1_000_000
"""Events held in memory at a time, about."""
_PROPERTIES: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])


class Past(msgspec.Struct, frozen=True):
    """One customer as the log has them: the base, and uint64[n] the hashes of all events in it."""

    subject: Subject
    base: Base
    events: NDArray[np.uint64]

    @property
    def archived(self) -> set[bytes]:
        """The event hashes as bytes, to look single ones up."""
        return {one.tobytes() for one in self.events}


def of(log: Log, subjects: pl.Series, half_life_days: float) -> Iterator[Past]:
    """The past of each of `subjects` (Binary), some million events at a time whatever the size of the log."""
    distinct = subjects.unique().sort()
    rows = max(1, log.rows("event"))
    portion = max(1, len(distinct) * PORTION_ROWS // rows)
    for start in range(0, len(distinct), portion):
        yield from bases(ordered(log.events(subjects=distinct[start : start + portion])), half_life_days)


def ordered(events: pl.LazyFrame) -> pl.DataFrame:
    """Events (columns of the log) by subject and second, those of one second in their order of arrival."""
    columns = ("subject", "event_id", "time", "event", "item_id", "quantity", "price", "order_id", "channel")
    arrived = events.select(*columns, "properties").with_row_index("arrival")
    return arrived.sort("subject", pl.col("time").dt.epoch("s"), "arrival").drop("arrival").collect()


def bases(history: pl.DataFrame, half_life_days: float) -> Iterator[Past]:
    """The base of each subject of a history as `ordered` gives it."""
    if history.is_empty():
        return
    records = to_records(history)
    said = _said(history)
    names = history["subject"]
    starts = np.flatnonzero(np.concatenate([[True], (names != names.shift(1))[1:].to_numpy()]))
    ends = np.concatenate([starts[1:], [len(records)]])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        subject = Subject(names[start])
        events = in_order(records[start:end])
        base = extend(EMPTY, events, said.get(subject, []), half_life_days)
        yield Past(subject, base, events["event"])


def to_records(history: pl.DataFrame) -> NDArray[np.void]:
    """EVENT[n] of rows of the log, as `records.encode` would make them one by one, without blocks."""
    records = np.zeros(history.height, EVENT)
    records["event"] = [event_hash(one) for one in history["event_id"]]
    records["item"] = _hashed(history["item_id"], item_hash, np.uint64)
    records["order"] = _hashed(history["order_id"], order_hash, np.uint32)
    records["time"] = np.clip(history["time"].dt.epoch("s").to_numpy(), 0, 2**32 - 1)
    records["code"] = history["event"].replace_strict(CODES, return_dtype=pl.UInt8).to_numpy()
    records["value"] = _values(history)
    records["quantity"] = history["quantity"].fill_null(1).clip(0, MAX_QUANTITY).to_numpy()
    channels = {name: place for place, name in enumerate(CHANNELS, start=1)}
    channel = history["channel"].replace_strict(channels, default=0, return_dtype=pl.UInt8).fill_null(0).to_numpy()
    records["meta"] = VERSION << 4 | channel
    return records


def _hashed(values: pl.Series, hash_of: Any, dtype: Any) -> NDArray[Any]:
    """The hash of each value, computed once for each distinct one; 0 for null."""
    distinct = values.unique().drop_nulls()
    table = pl.DataFrame({"value": distinct, "hash": pl.Series([hash_of(one) for one in distinct], dtype=pl.UInt64)})
    joined = values.to_frame("value").join(table, on="value", how="left", maintain_order="left")
    return joined["hash"].fill_null(0).to_numpy().astype(dtype)


def _values(history: pl.DataFrame) -> NDArray[np.float64]:
    """The rating of `rate` events, the price of any other, 0 where there is none."""
    values = history["price"].fill_null(0.0).to_numpy().copy()
    for index in np.flatnonzero((history["event"] == "rate").to_numpy()).tolist():
        values[index] = _PROPERTIES.decode(history["properties"][index] or "{}").get("rating") or 0
    return values


def _said(history: pl.DataFrame) -> dict[bytes, list[Said]]:
    names = [NAMES[code] for code in CARRIES_BLOCKS]
    rows = history.filter(pl.col("event").is_in(names)).select(
        "subject", "event", pl.col("time").dt.epoch("s"), "properties"
    )
    said: dict[bytes, list[Said]] = {}
    for subject, event, time, properties in rows.iter_rows():
        values = _PROPERTIES.decode(properties or "{}")
        said.setdefault(subject, []).append(Said(CODES[event], time, values))
    return said
