"""What is bought: baskets, repeats, buyers and the long tail, by the same rules for simulated and real sales."""

import numpy as np
import polars as pl

from benchmarks.simulated import tables
from benchmarks.simulated.sample import Sample
from etappe.simulation.tables import Floats

Sales = dict[str, pl.DataFrame]
"""Lines that were bought, by whose they are: columns order, buyer, item, quantity, price, at."""
PRIVATE, BUSINESS, EVERYBODY, ONLINE_RETAIL = "simulated, private", "simulated, business", "simulated", "Online Retail"


def simulated(sample: Sample) -> Sales:
    """The sales of all people, and of those who buy for themselves and for a company."""
    people = sample.shop.truth.people.select(pl.col("person").cast(pl.Int32), "business")
    lines = sample.events.filter(pl.col("event") == "purchase").join(people, on="person", maintain_order="left")
    lines = lines.select("business", "quantity", "price", "at", order="order_id", buyer="person", item="item_id")
    business = lines["business"]
    return {EVERYBODY: lines, PRIVATE: lines.filter(~business), BUSINESS: lines.filter(business)}


def show(sales: Sales) -> None:
    """Prints the figures of all of them side by side."""
    found = {name: figures(lines) for name, lines in sales.items()}
    rows = next(iter(found.values()))
    tables.show("Sales", ["", *found], ([row, *(one[row] for one in found.values())] for row in rows))


def figures(lines: pl.DataFrame) -> dict[str, object]:
    """What there is to say of sales."""
    basket, orders = lines_per_order(lines), orders_per_buyer(lines)
    worth = order_values(lines)
    by_item = counts(lines, "item")
    by_buyer = sums(lines, "buyer")
    return {
        "lines": len(lines),
        "orders": len(basket),
        "buyers": len(orders),
        "lines an order: mean": float(basket.mean()),
        "lines an order: median": float(np.median(basket)),
        "lines an order: 95th percentile": float(np.quantile(basket, 0.95)),
        "orders of one line": tables.percent(float((basket == 1).mean())),
        "pieces a line: mean": _mean(lines["quantity"]),
        "order value: median": float(np.median(worth)),
        "order value: mean": float(worth.mean()),
        "orders a buyer: mean": float(orders.mean()),
        "orders a buyer: median": float(np.median(orders)),
        "buyers with one order": tables.percent(float((orders == 1).mean())),
        "days between orders: median": _gap(lines),
        "lines bought before by the same buyer": tables.percent(repeats(lines)),
        "lines of the top fifth of items": tables.percent(top_fifth(by_item)),
        "lines of the top hundredth of items": tables.percent(top(by_item, 0.01)),
        "log lines by log rank: slope": rank_slope(by_item),
        "revenue of the top fifth of buyers": tables.percent(top_fifth(by_buyer)),
        "Gini of lines by item": gini(by_item),
    }


def lines_per_order(lines: pl.DataFrame) -> Floats:
    """float64[orders]."""
    return counts(lines, "order")


def orders_per_buyer(lines: pl.DataFrame) -> Floats:
    """float64[buyers]."""
    return lines.group_by("buyer").agg(pl.col("order").n_unique())["order"].sort().to_numpy().astype(np.float64)


def order_values(lines: pl.DataFrame) -> Floats:
    """float64[orders], in the shop's currency."""
    return sums(lines, "order")


def repeats(lines: pl.DataFrame) -> float:
    """The share of lines whose buyer had the item in an earlier order."""
    first = pl.col("order").sort_by("at").first().over("buyer", "item")
    return _mean(lines.select(again=pl.col("order") != first)["again"])


def counts(lines: pl.DataFrame, of: str) -> Floats:
    """float64[n]: how many rows each has, ascending."""
    return lines.group_by(of).len()["len"].sort().to_numpy().astype(np.float64)


def sums(lines: pl.DataFrame, of: str) -> Floats:
    """float64[n]: what each costs, ascending."""
    worth = lines.group_by(of).agg((pl.col("quantity") * pl.col("price")).sum().alias("worth"))
    return worth["worth"].sort().to_numpy()


def lorenz(values: Floats) -> tuple[Floats, Floats]:
    """float64[n + 1], twice: shares of the largest ones, and what these have of all."""
    down = np.sort(values)[::-1]
    return np.arange(len(down) + 1) / len(down), np.concatenate(([0.0], np.cumsum(down) / down.sum()))


def top(values: Floats, part: float) -> float:
    """What the largest `part` has of all."""
    return float(np.interp(part, *lorenz(values)))


def top_fifth(values: Floats) -> float:
    """What the largest fifth has of all."""
    return top(values, 0.2)


def rank_slope(values: Floats) -> float:
    """How steeply the largest half falls with its rank, both as logarithms: -1 by Zipf's law."""
    down = np.sort(values)[::-1][: max(2, len(values) // 2)]
    return float(np.polyfit(np.log(np.arange(len(down)) + 1), np.log(down), 1)[0])


def gini(values: Floats) -> float:
    """0 where all have the same, near 1 where one has all."""
    share, has = lorenz(values)
    return float(2 * np.trapezoid(has, share) - 1)


def _gap(lines: pl.DataFrame) -> float:
    orders = lines.group_by("buyer", "order").agg(pl.col("at").min()).sort("buyer", "at")
    gaps = orders.select(gap=pl.col("at").diff().over("buyer").dt.total_minutes() / 1440)["gap"].drop_nulls()
    return float(np.median(gaps.to_numpy())) if len(gaps) else np.nan


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean()) if len(values) else np.nan
