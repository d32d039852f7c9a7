"""How people respond to what they are shown, beside the truth."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from benchmarks import plots
from benchmarks.simulated import response
from benchmarks.simulated.sample import Sample, piece_kinds
from etappe.simulation.parameters import STAGES
from etappe.simulation.tables import Floats

_DRIFTING: Final = {"discount": plots.RED, "guide": plots.BLUE, "article": plots.YELLOW, "referral": plots.VIOLET}


def draw(sample: Sample, path: Path) -> None:
    """Four panels."""
    with plots.sheet(path, 7.4) as figure:
        (position, kinds), (calibration, drift) = figure.subplots(2, 2, width_ratios=[1, 1.12])
        _position(position, response.by_position(sample))
        plots.heat(kinds, 100 * rates(sample), piece_kinds(sample), STAGES, said="{:.1f}")
        plots.name(kinds, "Pieces: each kind has its stage (clicks, %)", grid=None)
        _calibration(calibration, sample)
        _drift(drift, sample)


def rates(sample: Sample) -> Floats:
    """float64[kinds, stages]: the share of pieces shown that were clicked; nan where none was shown."""
    kinds = piece_kinds(sample)
    found = np.full((len(kinds), len(STAGES)), np.nan)
    for kind, stage, _, rate, *_ in response.by_kind(sample).iter_rows():
        found[kinds.index(kind), STAGES.index(stage)] = rate
    return found


def _position(axes: Axes, found: pl.DataFrame) -> None:
    x = found["position"].to_numpy() + 1
    axes.plot(x, found["true"], color=plots.DARK, label="by the truth")
    _dots(axes, x, found, plots.BLUE, "seen, and where 95 % would lie")
    axes.set(xticks=x, ylim=(0, None))
    plots.percent(axes.yaxis)
    plots.name(axes, "Items: what stands first is looked at most", "position in the list", "clicked", grid="y")
    axes.legend(loc="lower left")


def _calibration(axes: Axes, sample: Sample) -> None:
    """Observed against true chances on log scales."""
    axes.plot([1e-4, 1], [1e-4, 1], color=plots.DARK, linewidth=1)
    for label, shown, colour in (
        ("items", response.items(sample), plots.BLUE),
        ("pieces", response.pieces(sample), plots.RED),
    ):
        found = response.calibration(shown)
        _dots(axes, found["true"].to_numpy(), found, colour, label)
    axes.set(xscale="log", yscale="log", xlim=(0.003, 0.7), ylim=(0.003, 0.7))
    plots.percent(axes.xaxis)
    plots.percent(axes.yaxis)
    plots.name(axes, "Chances are what they are said to be", "chance of a click by the truth", "clicked")
    axes.legend(loc="upper left")


def _drift(axes: Axes, sample: Sample) -> None:
    """Clicks on some kinds of pieces, month by month."""
    found = response.over_time(sample)
    parts = {kind: found.filter(pl.col("kind") == kind) for kind in _DRIFTING}
    there = {kind: part for kind, part in parts.items() if part.height}
    highest = 1.15 * float(found.filter(pl.col("kind").is_in(list(there)))["true"].to_numpy().max())
    places = plots.apart([float(part["true"][-1]) for part in there.values()], highest / 20)
    for (kind, part), place in zip(there.items(), places, strict=True):
        axes.plot(part["day"], part["true"], color=_DRIFTING[kind])
        _dots(axes, part["day"].to_numpy(), part, _DRIFTING[kind], kind)
        axes.text(sample.size.days * 1.01, place, kind, color=_DRIFTING[kind], va="center")
    axes.set(xlim=(0, sample.size.days), ylim=(0, highest))
    plots.percent(axes.yaxis)
    plots.name(axes, "Pieces: what is liked drifts over the year", "day (line: truth, dot: seen)", "clicked", grid="y")


def _dots(axes: Axes, x: Floats, found: pl.DataFrame, colour: str, label: str) -> None:
    axes.errorbar(
        x, found["rate"], yerr=found["error"], fmt="o", color=colour, markersize=4, elinewidth=1, label=label
    )  # fmt: skip
