"""From the log's events to the matrices everything is learned from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from etappe.errors import InputError
from etappe.events.vocabulary import CODES, STRENGTH
from etappe.ids import item_hash
from etappe.units import SECONDS_PER_DAY

ALL_BUT_STRAGGLERS: Final = 0.995
"""Share of the events that are over when stragglers begin. In a log of up to 200 events that is all."""
FAR: Final = 0.25
"""Stragglers lie behind the rest by more than this share of the time that the rest took (and a day)."""
_STRENGTHS: Final = {name: float(STRENGTH[code]) for name, code in CODES.items() if STRENGTH[code] != 0}
_LIKES: Final = [name for name, strength in _STRENGTHS.items() if strength > 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines bought, in the order of the log: all arrays have the same length.

    `rows` int32 the item, `ages` float64 days before now, `buyers` int64 the customer, or the order where nobody is
    known, `customers` int64 the customer or -1, `orders` int64 the order.
    """

    rows: NDArray[np.int32]
    ages: NDArray[np.float64]
    buyers: NDArray[np.int64]
    customers: NDArray[np.int64]
    orders: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The views of items by somebody known, in the order of the log: all arrays have the same length.

    `rows` int32 the item, `ages` float64 days before now, `viewers` int64 the customer.
    """

    rows: NDArray[np.int32]
    ages: NDArray[np.float64]
    viewers: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """What a log says of n items.

    items uint64[n] hashes, ascending; weights float64[u, n] of identified customers, decayed and above 0; bought
    float64[u, n] of ones; baskets float64[o, n] of ones, one row an order; wished float64[u, n] of ones where an item
    was ever on a customer's wish list; now in Unix seconds; events read.
    """

    items: NDArray[np.uint64]
    weights: sparse.csr_array
    bought: sparse.csr_array
    baskets: sparse.csr_array
    wished: sparse.csr_array
    lines: Lines
    views: Views
    now: float
    events: int


def read(events: pl.LazyFrame, *, half_life_days: float, now: datetime | None = None) -> Matrices:
    """The matrices of all wanted `events` (columns of `store.schema.EVENT`), or of those up to `now`.

    Ages are counted from `now`, else from the last event that is no straggler.

    A weight is sum strength * 2^(-(now - t) / half-life): the same number that the fold of a customer's record gives.
    Where refunds and removals outweigh the rest nothing is left. A purchase without an order id is an order of its own.

    Raises:
        InputError: there is no event about an item from which something could be learned.
    """
    frame = _relevant(events, now)
    items, rows = _items(frame)
    frame = frame.join(rows, on="item_id", how="inner", maintain_order="left")
    if frame.is_empty():
        liked = ", ".join(_LIKES)
        raise InputError(f"the log holds no event to learn from; import or send some that name an item: {liked}")
    end = _end(frame["time"]) if now is None else now.timestamp()
    ages = np.maximum(end - _seconds(frame["time"]), 0.0) / SECONDS_PER_DAY
    frame = frame.with_columns(_codes(frame, "subject"), age=pl.Series(ages))
    lines = _lines(frame)
    wishes = frame.filter(pl.col("event") == "add_to_wishlist")
    shape = (_extent(frame["subject_code"].to_numpy()), len(items))
    return Matrices(
        items=items,
        weights=_weights(frame, shape, half_life_days),
        bought=_ones(lines.customers, lines.rows, shape),
        baskets=_ones(lines.orders, lines.rows, (_extent(lines.orders), len(items))),
        wished=_ones(wishes["subject_code"].to_numpy(), wishes["row"].to_numpy(), shape),
        lines=lines,
        views=_views(frame),
        now=float(end),
        events=frame.height,
    )


def _end(times: pl.Series) -> float:
    """The time to count ages from, in Unix seconds: the last event, unless it and a few others lie far behind the rest.

    A handful of events long after all others (a test purchase after an import of old data) would otherwise age a whole
    history to nothing. What is later than the end counts as fresh.
    """
    known = pl.Series([times.min(), times.quantile(ALL_BUT_STRAGGLERS, "higher"), times.max()])
    first, nearly, last = _seconds(known).tolist()
    far = SECONDS_PER_DAY + FAR * (nearly - first)
    return float(nearly if last - nearly > far else last)


def _relevant(events: pl.LazyFrame, now: datetime | None) -> pl.DataFrame:
    wanted = pl.col("event").is_in(list(_STRENGTHS)) & pl.col("item_id").is_not_null()
    if "flag" in events.collect_schema():
        wanted &= pl.col("flag").is_null()
    if now is not None:
        wanted &= pl.col("time") <= now
    order = pl.coalesce("order_id", _alone())
    return events.filter(wanted).select("event", "time", "subject", "item_id", order.alias("order")).collect()


def _alone() -> pl.Expr:
    """The order of a line that names none: nothing else is in it, whoever else uses the same event_id."""
    whose = pl.col("subject").bin.encode("hex").fill_null("")
    return pl.concat_str(pl.lit("\0"), whose, "event_id", pl.col("time").dt.epoch("us"), "item_id", separator="\0")


def _items(frame: pl.DataFrame) -> tuple[NDArray[np.uint64], pl.DataFrame]:
    """Hashes of the items somebody liked, ascending, and the row of each item id."""
    ids = frame.filter(pl.col("event").is_in(_LIKES))["item_id"].unique()
    hashes = np.fromiter((item_hash(name) for name in ids), dtype=np.uint64, count=len(ids))
    items, rows, times = np.unique(hashes, return_inverse=True, return_counts=True)
    if (times > 1).any():
        same = sorted(ids.gather(np.flatnonzero(hashes == items[np.argmax(times)])).to_list())
        raise InputError(f"items {' and '.join(same)} have the same hash; give one of them another id", field="item_id")
    return items, pl.DataFrame({"item_id": ids, "row": rows.astype(np.int32)}, {"item_id": pl.String, "row": pl.Int32})


def _codes(frame: pl.DataFrame, column: str) -> pl.Series:
    """Int64 codes of the distinct values of `column` in their own order, so none depends on the order of the log."""
    values = frame[column].drop_nulls().unique().sort()
    table = pl.DataFrame({column: values, "code": np.arange(len(values), dtype=np.int64)})
    codes = frame.select(column).join(table, on=column, how="left", maintain_order="left")["code"]
    return codes.fill_null(-1).alias(f"{column}_code")


def _lines(frame: pl.DataFrame) -> Lines:
    bought = frame.filter(pl.col("event") == "purchase")
    orders = _codes(bought, "order").to_numpy()
    customers = bought["subject_code"].to_numpy()
    return Lines(
        rows=bought["row"].to_numpy(),
        ages=bought["age"].to_numpy(),
        buyers=np.where(customers < 0, orders + _extent(customers), customers),
        customers=customers,
        orders=orders,
    )


def _views(frame: pl.DataFrame) -> Views:
    viewed = frame.filter(pl.col("event") == "view_item", pl.col("subject_code") >= 0)
    return Views(
        rows=viewed["row"].to_numpy(), ages=viewed["age"].to_numpy(), viewers=viewed["subject_code"].to_numpy()
    )


def _weights(frame: pl.DataFrame, shape: tuple[int, int], half_life_days: float) -> sparse.csr_array:
    known = frame.filter(pl.col("subject_code") >= 0)
    strengths = known["event"].replace_strict(_STRENGTHS, return_dtype=pl.Float64).to_numpy()
    values = strengths * np.exp2(-known["age"].to_numpy() / half_life_days)
    places = (known["subject_code"].to_numpy(), known["row"].to_numpy())
    weights = sparse.coo_array((values, places), shape=shape).tocsr()
    weights.data = np.maximum(weights.data, 0.0)
    weights.eliminate_zeros()
    weights.sort_indices()
    return weights


def _ones(subjects: NDArray[np.int64], rows: NDArray[np.int32], shape: tuple[int, int]) -> sparse.csr_array:
    """1 where a subject has an item at least once; subjects of -1 are nobody."""
    known = subjects >= 0
    places = (subjects[known], rows[known])
    matrix = sparse.coo_array((np.ones(len(places[0])), places), shape=shape).tocsr()
    matrix.data[:] = 1.0
    matrix.sort_indices()
    return matrix


def _extent(codes: NDArray[np.int64]) -> int:
    return int(codes.max(initial=-1)) + 1


def _seconds(times: pl.Series) -> NDArray[Any]:
    return times.dt.epoch("us").to_numpy() / 1e6
