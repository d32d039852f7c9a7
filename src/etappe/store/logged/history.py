"""Customers' histories out of the log, through the same fold that serves them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from etappe.customers.packed.base import EMPTY, Base
from etappe.customers.records import (
    ABOUT_PIECE,
    CLAIMED,
    EVENT,
    LINES,
    MAX_QUANTITY,
    TELLS,
    VERSION,
    about,
    blocks_for,
    carried,
    plain,
    turns,
)
from etappe.customers.state import extend
from etappe.customers.stated.consent import verdict_of
from etappe.customers.stated.touches import TOUCHING
from etappe.customers.stated.traits import SET_CONSENT, Said
from etappe.events.vocabulary import CHANNELS, CODES, NAMES
from etappe.ids import Subject, event_hash, item_hash, order_hash
from etappe.log import Log
from etappe.store.identities import erased_rows
from etappe.store.identities.erasure import Erasure
from etappe.units import MICROSECONDS

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


def of(log: Log, members: pl.DataFrame, half_life_days: float, erasures: list[Erasure]) -> Iterator[Past]:
    """The past of each customer of `members` (Binary subject, customer), some million events at a time.

    Unwanted traffic is left out, and what came in of erased customers before they were. Customers of whom the log has
    nothing are left out, too.
    """
    customers = members["customer"].unique().sort()
    portion = max(1, len(customers) * PORTION_ROWS // max(1, log.rows("event")))
    for start in range(0, len(customers), portion):
        some = members.filter(pl.col("customer").is_in(customers[start : start + portion].implode()))
        rows = erased_rows.visible(log.events(subjects=some["subject"]), erasures).filter(pl.col("flag").is_null())
        mine = rows.join(some.lazy(), on="subject", how="left", maintain_order="left").drop("subject")
        if some.height > some["customer"].n_unique():  # one event sent under two identities that turned out to be one
            mine = mine.unique(subset=["customer", "event_id"], keep="first", maintain_order=True)
        yield from bases(ordered(mine.rename({"customer": "subject"})), half_life_days)


def alone(subjects: pl.Series) -> pl.DataFrame:
    """Members of customers that are one subject each."""
    distinct = subjects.unique()
    return pl.DataFrame(
        {"subject": distinct, "customer": distinct}, schema={"subject": pl.Binary, "customer": pl.Binary}
    )


def ordered(events: pl.LazyFrame) -> pl.DataFrame:
    """Events (columns of the log) by subject and time, those of one moment in their order of arrival."""
    columns = ("subject", "event_id", "time", "event", "item_id", "quantity", "price", "order_id", "channel")
    arrived = events.select(*columns, "properties", "claim", "received").with_row_index("arrival")
    return arrived.sort("subject", _time(), "arrival").drop("arrival").collect()


def bases(history: pl.DataFrame, half_life_days: float) -> Iterator[Past]:
    """The base of each subject of a history as `ordered` gives it."""
    if history.is_empty():
        return
    records, received = plain(to_records(history)), _received(history)
    said = _said(history)
    names = history["subject"]
    starts = np.flatnonzero(np.concatenate([[True], (names != names.shift(1))[1:].to_numpy()]))
    ends = np.concatenate([starts[1:], [len(records)]])
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        subject = Subject(names[start])
        order = start + turns(records[start:end])
        events = records[order]
        base = extend(EMPTY, events, said.get(subject, []), half_life_days, now=received[order])
        yield Past(subject, base, events["event"])


def _received(history: pl.DataFrame) -> NDArray[np.float64]:
    """float64[n]: Unix seconds at which each event came in; where nobody noted it, when it happened."""
    micros = pl.coalesce(pl.col("received").dt.epoch("us"), _time())
    return history.select(micros / MICROSECONDS).to_series().to_numpy()


def to_records(history: pl.DataFrame) -> NDArray[np.void]:
    """EVENT[n] of rows of the log, as `records.encode` makes them one by one, but for the blocks behind them."""
    records = np.zeros(history.height, EVENT)
    records["event"] = [event_hash(one) for one in history["event_id"]]
    records["item"] = _hashed(history["item_id"], item_hash, np.uint64)
    records["order"] = _hashed(history["order_id"], order_hash, np.uint32)
    records["time"] = history.select(_time()).to_series().to_numpy()
    records["code"] = history["event"].replace_strict(CODES, return_dtype=pl.UInt8).to_numpy()
    pieces = history["quantity"].fill_null(1).clip(1).to_numpy()
    records["value"] = _values(history, pieces, records["code"])
    records["quantity"] = np.minimum(pieces, MAX_QUANTITY)
    channels = {name: place for place, name in enumerate(CHANNELS, start=1)}
    channel = history["channel"].replace_strict(channels, default=0, return_dtype=pl.UInt8).fill_null(0).to_numpy()
    records["meta"] = VERSION << 4 | channel
    claims = history["claim"].fill_null(value=False).to_numpy()
    for code, claimed in CLAIMED.items():
        records["code"][claims & (records["code"] == code)] = claimed
    _put_said(records, history["properties"])
    _put_pieces(records, history["properties"])
    return records


def _time() -> pl.Expr:
    """Unix microseconds; times before 1970 are kept as 1970."""
    return pl.col("time").dt.epoch("us").clip(0)


def _put_said(records: NDArray[np.void], properties: pl.Series) -> None:
    """Into the records of events with blocks how many there are, and the verdict where consent is said."""
    for index in np.flatnonzero(np.isin(records["code"], list(TELLS | TOUCHING))).tolist():
        said = _PROPERTIES.decode(properties[index] or "{}")
        records["code"][index], payload = carried(int(records["code"][index]), said)
        if payload:
            records["quantity"][index] = blocks_for(payload)
        if records["code"][index] == SET_CONSENT:
            records["item"][index] = verdict_of(said)


def _put_pieces(records: NDArray[np.void], properties: pl.Series) -> None:
    """Into the records of events about pieces of content their codes and hashes."""
    possible = np.isin(records["code"], list(ABOUT_PIECE))
    if not possible.any():
        return
    named = properties.str.contains('"piece"', literal=True).fill_null(value=False).to_numpy()
    for index in np.flatnonzero(possible & named).tolist():
        said = _PROPERTIES.decode(properties[index])
        if piece := about(int(records["code"][index]), said):
            records["code"][index], records["item"][index] = piece


def _hashed(values: pl.Series, hash_of: Any, dtype: Any) -> NDArray[Any]:
    """The hash of each value, computed once for each distinct one; 0 for null."""
    distinct = values.unique().drop_nulls()
    table = pl.DataFrame({"value": distinct, "hash": pl.Series([hash_of(one) for one in distinct], dtype=pl.UInt64)})
    joined = values.to_frame("value").join(table, on="value", how="left", maintain_order="left")
    return joined["hash"].fill_null(0).to_numpy().astype(dtype)


def _values(history: pl.DataFrame, pieces: NDArray[np.int32], codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The rating of `rate` events, the money of all pieces of a line, the price of any other, 0 where there is none."""
    prices = history["price"].fill_null(0.0).to_numpy()
    values = np.where(np.isin(codes, list(LINES)), prices * pieces, prices)
    for index in np.flatnonzero(codes == CODES["rate"]).tolist():
        values[index] = _PROPERTIES.decode(history["properties"][index] or "{}").get("rating") or 0
    return values


def _said(history: pl.DataFrame) -> dict[bytes, list[Said]]:
    names = [NAMES[code] for code in TELLS | TOUCHING]
    rows = history.filter(pl.col("event").is_in(names)).select("subject", "event", _time(), "properties", "channel")
    said: dict[bytes, list[Said]] = {}
    for subject, event, time, properties, channel in rows.iter_rows():
        values = _PROPERTIES.decode(properties or "{}")
        number = CHANNELS.index(channel) + 1 if channel in CHANNELS else 0
        said.setdefault(subject, []).append(Said(CODES[event], time, values, number))
    return said
