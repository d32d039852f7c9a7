"""Two curves over the rate that is offered: what becomes of it, and how soon the accepted are answered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from benchmarks import plots
from benchmarks.overload.open_loop import Seen

_HEIGHT: Final = 5.6
_TIMES: Final = 3
"""What the latency of the accepted is held against: so many times that of the least load."""


class Step(Protocol):
    """What is drawn of one rate."""

    @property
    def seen(self) -> Seen:
        """What came of the arrivals."""

    @property
    def offered(self) -> float:
        """Requests a second."""

    @property
    def accepted(self) -> float:
        """Decisions a second."""

    def percentile(self, share: float) -> float:
        """Of the accepted (ms)."""


def draw(capacity: float, steps: Sequence[Step], path: Path) -> None:
    """Accepted, refused and degraded a second above; p50 and p99 of the accepted below."""
    offered = [step.offered for step in steps]
    with plots.sheet(path, _HEIGHT) as figure:
        above, below = figure.subplots(2, sharex=True)
        plots.name(above, "what becomes of requests for decisions", y="a second")
        above.plot(offered, [step.accepted for step in steps], color=plots.BLUE, marker="o", ms=3, label="accepted")
        refused = [len(step.seen.refused) / step.seen.seconds for step in steps]
        above.plot(offered, refused, color=plots.YELLOW, marker="o", ms=3, label="refused (503)")
        degraded = [step.seen.degraded / step.seen.seconds for step in steps]
        above.plot(offered, degraded, color=plots.RED, marker="o", ms=3, label="degraded")
        above.axhline(capacity, color=plots.DARK, linestyle=":", linewidth=1, label="capacity, measured before")
        above.legend(loc="upper left")
        plots.name(below, "how soon the accepted are answered", "offered a second", "ms")
        for share, colour in ((0.5, plots.GREEN), (0.99, plots.VIOLET)):
            values = [step.percentile(share) for step in steps]
            below.plot(offered, values, color=colour, marker="o", ms=3, label=f"p{100 * share:g}")
        least = steps[0].percentile(0.99)
        below.axhline(_TIMES * least, color=plots.DARK, linestyle=":", linewidth=1, label=f"{_TIMES} x the first p99")
        below.set_ylim(bottom=0)
        below.legend(loc="upper left")
        for axes in (above, below):
            axes.axvline(capacity, color=plots.PALE, linewidth=1)
            axes.xaxis.set_major_formatter("{x:,g}")
            axes.yaxis.set_major_formatter("{x:,g}")
            axes.set_xlim(left=0)
