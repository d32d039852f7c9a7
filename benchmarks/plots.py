"""What all plots have in common: size, style, colours, and that the same figures give the same file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

BLUE, RED, GREEN, YELLOW, VIOLET, BROWN, DARK = PALETTE = (
    "#1f6f8b", "#d1495b", "#66a182", "#edae49", "#6c5b7b", "#8d6a4f", "#444444",
)  # fmt: skip
PALE: Final = "#dddddd"
WIDTH: Final = 9.4
"""Inches: about 900 px in a browser."""
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "etappe",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": DARK,
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": "#999999",
    "ytick.color": "#999999",
    "xtick.labelcolor": DARK,
    "ytick.labelcolor": DARK,
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "text.color": "#222222",
    "text.parse_math": False,
}


@contextmanager
def sheet(path: Path, height: float) -> Iterator[Figure]:
    """A figure of the usual width, written to `path` when it is full: the same drawing gives the same bytes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.09))
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)


def name(axes: Axes, title: str, x: str = "", y: str = "", *, grid: Literal["x", "y", "both"] | None = "both") -> None:
    """Title, labels and lines to read values by."""
    axes.set(title=title, xlabel=x, ylabel=y)
    if grid:
        axes.grid(visible=True, axis=grid)


def percent(axis: Axis) -> None:
    """Shares as 0.1 %, 5 %, 100 %."""
    axis.set_major_formatter(FuncFormatter(lambda share, _place: f"{100 * share:g} %"))


def apart(places: Sequence[float], gap: float) -> list[float]:
    """The places of labels, moved up so that none lies on another."""
    found = dict[int, float]()
    for number in sorted(range(len(places)), key=lambda one: places[one]):
        found[number] = max([places[number], *(one + gap for one in found.values())])
    return [found[number] for number in range(len(places))]


def heat(
    axes: Axes, values: NDArray[np.float64], rows: Sequence[str], columns: Sequence[str], *, said: str = "{:.0f}",
    middle: float | None = None,
) -> QuadMesh:  # fmt: skip
    """A table of `values` as colours, with what is `said` of each: pale to blue, or red to blue around a `middle`."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    away = max(high - middle, middle - low) if middle is not None else 0.0
    span = (0.0, high) if middle is None else (middle - away, middle + away)
    colours = LinearSegmentedColormap.from_list("", ["#ffffff", BLUE] if middle is None else [RED, "#ffffff", BLUE])
    drawn = axes.pcolormesh(values, cmap=colours, vmin=span[0], vmax=span[1], edgecolor="white", linewidth=1)
    for (row, column), value in np.ndenumerate(values):
        far = abs(value - span[0]) / (span[1] - span[0]) if middle is None else abs(value - middle) / away
        if said and not np.isnan(value):
            colour = "white" if far > 0.6 else "#222222"
            axes.text(column + 0.5, row + 0.5, said.format(value), ha="center", va="center", color=colour)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    if max(map(len, columns)) > 8:
        axes.tick_params(axis="x", labelrotation=20)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    return drawn
