"""Three curves over the days, one below the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from matplotlib.axes import Axes

from benchmarks import plots

_HEIGHT: Final = 7.4
_MOST: Final = 7
"""Kinds of keys drawn, those of which there are most."""
_APART: Final = 0.085
"""Between the labels of two curves, as a share of the panel."""


class Day(Protocol):
    """What is drawn of a day."""

    @property
    def memory(self) -> int:
        """Bytes."""

    @property
    def customers(self) -> int:
        """How many have a record."""

    @property
    def keys(self) -> dict[str, int]:
        """How many by kind."""


def draw(days: Sequence[Day], customer_days: int, path: Path) -> None:
    """Memory, keys by kind and bytes a customer; a line marks when the first records lapse."""
    last = days[-1].keys
    kinds = sorted((kind for kind in last if any(day.keys[kind] for day in days)), key=lambda kind: -last[kind])
    panels = (
        ("Redis, above the empty server", "MB", {"": [day.memory / 1e6 for day in days]}),
        ("keys, by kind", "keys", {kind: [float(day.keys[kind]) for day in days] for kind in kinds[:_MOST]}),
        ("for each customer with a record", "bytes", {"": [day.memory / max(1, day.customers) for day in days]}),
    )
    with plots.sheet(path, _HEIGHT) as figure:
        places = figure.subplots(3, sharex=True)
        for axes, (title, unit, curves) in zip(places, panels, strict=True):
            plots.name(axes, title, y=unit, grid="y")
            _curves(axes, curves)
            if customer_days < len(days):
                axes.axvline(customer_days, color=plots.DARK, linestyle=":", linewidth=1)
        if customer_days < len(days):
            _say(places[0], customer_days)
        places[-1].set_xlabel("day")


def _curves(axes: Axes, curves: dict[str, list[float]]) -> None:
    highest = max(max(values) for values in curves.values()) or 1.0
    axes.set(ylim=(0, highest * 1.05), xlim=(1, max(2, *(len(values) for values in curves.values()))))
    axes.yaxis.set_major_formatter("{x:,g}")
    ends = plots.apart([values[-1] / highest for values in curves.values()], _APART)
    for (kind, values), end, colour in zip(curves.items(), ends, plots.PALETTE, strict=False):
        axes.plot(range(1, len(values) + 1), values, color=colour)
        label = f"{kind} {values[-1]:,.{1 if highest < 100 else 0}f}".strip()
        axes.text(1.01, end / 1.05, label, color=colour, va="center", transform=axes.transAxes)


def _say(axes: Axes, day: int) -> None:
    axes.annotate("first records lapse", (day, 0), (4, 5), textcoords="offset points", color=plots.DARK)
