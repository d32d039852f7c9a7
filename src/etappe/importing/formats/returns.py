"""Returns tied to the orders they belong to."""

from collections import defaultdict
from typing import Final

import polars as pl

_WHOSE: Final = ["user_id", "item_id"]


def tie(rows: pl.DataFrame) -> pl.Series:
    """For each row (purchases and refunds: event, line, time, user_id, item_id, quantity, order_id) its order.

    A refund's is the customer's most recent purchase of the item, not later than it, of which at least as many pieces
    are left as come back; null where there is none. A purchase keeps its own. In the order of `rows`.
    """
    refunds = rows.filter(pl.col("event") == "refund", pl.col("user_id").is_not_null())
    concerned = rows.filter(pl.col("event") == "purchase").join(refunds, on=_WHOSE, how="semi")
    columns = [*_WHOSE, "time", "line", "event", "quantity", "order_id"]
    history = pl.concat([concerned.select(columns), refunds.select(columns)])
    # At one moment a purchase comes before a refund, as the line may be anywhere in the file.
    history = history.sort("time", pl.col("event") == "refund", "line")
    tied = pl.DataFrame(_walk(history), schema={"line": pl.Int64, "tied": pl.String}, orient="row")
    own = pl.when(pl.col("event") == "purchase").then("order_id").otherwise("tied")
    return rows.join(tied, on="line", how="left", maintain_order="left").select(own.alias("order_id")).to_series()


def _walk(history: pl.DataFrame) -> list[tuple[int, str]]:
    left: dict[tuple[str, str], list[list[int | str]]] = defaultdict(list)
    tied: list[tuple[int, str]] = []
    for user, item, _, line, event, quantity, order in history.iter_rows():
        lots = left[user, item]
        if event == "purchase":
            lots.append([quantity, order])
            continue
        lot = next((lot for lot in reversed(lots) if lot[0] >= quantity), None)
        if lot is not None:
            lot[0] -= quantity
            tied.append((line, str(lot[1])))
    return tied
