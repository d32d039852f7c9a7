"""Baskets, buyers, the long tail and the funnel, beside those of real shops."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from benchmarks import plots
from benchmarks.simulated import sales as sold
from benchmarks.simulated import traffic
from benchmarks.simulated.sales import BUSINESS, ONLINE_RETAIL, PRIVATE, Sales
from benchmarks.simulated.sample import Sample
from etappe.simulation.tables import Floats

_REES46: Final = "REES46"
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    PRIVATE: {"color": plots.BLUE},
    BUSINESS: {"color": plots.YELLOW},
    ONLINE_RETAIL: {"color": plots.DARK, "linestyle": "--"},
}
_SEEN: Final[dict[str, dict[str, Any]]] = {
    "simulated, viewed": {"color": plots.GREEN},
    f"{_REES46}, viewed": {"color": plots.RED, "linestyle": "--"},
}


def draw(sample: Sample, sales: Sales, log: pl.DataFrame | None, path: Path) -> None:
    """Four panels; real shops are dashed."""
    steps = {"simulated": traffic.online(sample)} | ({_REES46: log} if log is not None else {})
    with plots.sheet(path, 7.0) as figure:
        (baskets, buyers), (tail, funnel) = figure.subplots(2, 2)
        of = {name: lines for name, lines in sales.items() if name in _LOOKS}
        _at_least(baskets, {name: sold.lines_per_order(lines) for name, lines in of.items()}, 100)
        plots.name(baskets, "Baskets: households buy little at a time", "lines", "orders of so many lines or more")
        _at_least(buyers, {name: sold.orders_per_buyer(lines) for name, lines in of.items()}, 200)
        plots.name(buyers, "Buyers: a few come often", "orders in the year", "buyers with so many orders or more")
        _tail(tail, of, steps)
        _funnel(funnel, {name: traffic.funnel(rows) for name, rows in steps.items()})


def _at_least(axes: Axes, values: dict[str, Floats], most: int) -> None:
    """For each number the share of what has that many or more, both on log scales."""
    for name, numbers in values.items():
        x = np.arange(1, min(most, int(numbers.max())) + 1)
        axes.plot(x, 1 - np.searchsorted(np.sort(numbers), x) / len(numbers), label=name, **_LOOKS[name])
    axes.set(xscale="log", yscale="log", xlim=(1, most), ylim=(0.001, 1.1))
    axes.xaxis.set_major_formatter("{x:g}")
    plots.percent(axes.yaxis)
    axes.legend(loc="lower left")


def _tail(axes: Axes, sales: Sales, steps: dict[str, pl.DataFrame]) -> None:
    counts = {f"{name}, sold": sold.counts(lines, "item") for name, lines in sales.items() if name != BUSINESS}
    looks = {f"{name}, sold": look for name, look in _LOOKS.items()} | _SEEN
    views = (rows.filter(pl.col("event") == traffic.STEPS[0]) for rows in steps.values())
    counts |= {f"{name}, viewed": sold.counts(rows, "item") for name, rows in zip(steps, views, strict=True)}
    for name, number in counts.items():
        share, has = sold.lorenz(number)
        grid = np.linspace(0, 1, 101)
        axes.plot(grid, np.interp(grid, share, has), label=name, **looks[name])
    axes.plot([0, 1], [0, 1], color=plots.PALE, linewidth=1)
    axes.text(0.7, 0.64, "all items alike", color="#888888", rotation=37, ha="center", va="center")
    plots.percent(axes.xaxis)
    plots.percent(axes.yaxis)
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    plots.name(
        axes, "Long tail: a fifth of the items has most of the trade", "items, the most popular first", "their share"
    )
    axes.legend(loc="lower right")


def _funnel(axes: Axes, found: dict[str, dict[str, object]]) -> None:
    rows = ("carts for 100 views", "purchase lines for 100 views", "sessions with a purchase")
    high = 0.8 / len(found)
    for place, (name, figures) in enumerate(found.items()):
        values = [float(str(figures[row]).removesuffix(" %")) for row in rows]
        y = np.arange(len(rows)) + (place - (len(found) - 1) / 2) * high
        colour = plots.BLUE if place == 0 else plots.RED
        axes.bar_label(axes.barh(y, values, high * 0.92, color=colour, label=name), fmt="{:.1f}", padding=3)
    axes.set_yticks(range(len(rows)), ["put into\nthe cart", "bought", "sessions with\na purchase"])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    plots.name(axes, "From view to purchase", "for 100 views; for 100 sessions", grid="x")
    axes.legend(loc="lower right")
