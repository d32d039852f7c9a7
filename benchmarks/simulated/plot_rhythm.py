"""When people come, and what they want when."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from benchmarks import plots
from benchmarks.simulated import rhythm
from benchmarks.simulated.sales import BUSINESS, ONLINE_RETAIL, PRIVATE, Sales
from benchmarks.simulated.sample import Sample

_HABITS: Final = {"early": plots.YELLOW, "day": plots.GREEN, "evening": plots.BLUE, "office": plots.VIOLET}
_SALES: Final = {PRIVATE: plots.BLUE, BUSINESS: plots.YELLOW, ONLINE_RETAIL: plots.DARK}


def draw(sample: Sample, sales: Sales, path: Path) -> None:
    """Hours and weekdays above, seasons below."""
    seen = rhythm.views(sample)
    with plots.sheet(path, 8.8) as figure:
        places = figure.subplot_mosaic("ab;cc", height_ratios=[1, 2])
        _hours(places["a"], seen, sales)
        _week(places["b"], sales)
        _seasons(places["c"], sample, seen)


def _hours(axes: Axes, seen: pl.DataFrame, sales: Sales) -> None:
    for habit, colour in _HABITS.items():
        axes.plot(rhythm.by_hour(seen.filter(pl.col("habit") == habit)["at"]), color=colour, label=habit)
    if ONLINE_RETAIL in sales:
        axes.plot(rhythm.by_hour(sales[ONLINE_RETAIL]["at"]), color=plots.DARK, linestyle="--", label=ONLINE_RETAIL)
    axes.set(xlim=(0, 23), ylim=(0, None), xticks=range(0, 24, 3))
    plots.percent(axes.yaxis)
    plots.name(
        axes, "Hours: people keep different ones", "hour (UTC)", "views of a day (Online Retail: sales)", grid="y"
    )
    axes.legend(loc="upper left", ncols=1)


def _week(axes: Axes, sales: Sales) -> None:
    there = {name: colour for name, colour in _SALES.items() if name in sales}
    wide = 0.84 / len(there)
    for place, (name, colour) in enumerate(there.items()):
        x = np.arange(7) + (place - (len(there) - 1) / 2) * wide
        axes.bar(x, rhythm.by_weekday(sales[name]["at"]), wide * 0.92, color=colour, label=name)
    axes.set_xticks(range(7), rhythm.WEEKDAYS)
    axes.tick_params(axis="x", length=0)
    plots.percent(axes.yaxis)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    plots.name(axes, "Days of the week", y="lines sold", grid="y")
    axes.legend(loc="upper left", ncols=2, columnspacing=1.0, handlelength=1.0)


def _seasons(axes: Axes, sample: Sample, seen: pl.DataFrame) -> None:
    """By how much more than usual each category is looked at, sorted by when the world has its peak."""
    names, peaks = rhythm.categories(sample), rhythm.peaks(sample)
    order = sorted(range(len(names)), key=lambda row: (peaks[row] is None, peaks[row] or (0.0, 0.0)))
    values = rhythm.seasons(sample, seen)[order]
    drawn = plots.heat(axes, values, [names[row] for row in order], rhythm.MONTHS, said="", middle=1.0)
    for place, row in enumerate(order):
        peak = peaks[row]
        if peak is not None:
            axes.plot(peak[0], place + 0.5, "o", color="#222222", markersize=4)
    plots.name(axes, "Seasons: a category's share of the views of each month (dots: the world's peaks)", grid=None)
    beside = axes.figure.colorbar(drawn, ax=axes, aspect=40, pad=0.02, label="times its share of the year")
    beside.ax.set_ylim(0, None)
    beside.outline.set_visible(False)
