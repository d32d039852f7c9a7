"""What all plots have in common: size, style, colours, and that the same figures give the same file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

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
