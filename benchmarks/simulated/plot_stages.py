"""How long stages last and where they lead, how many customers are in each, and one customer's year."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from benchmarks import plots
from benchmarks.simulated import stages
from benchmarks.simulated.sample import SENT, Sample
from etappe.simulation.clock import DAY
from etappe.simulation.parameters import STAGES
from etappe.simulation.tables import Floats

COLOURS: Final = dict(zip(STAGES, ("#b9c3c9", plots.YELLOW, plots.RED, plots.GREEN, plots.BLUE), strict=True))
_ROWS: Final = {
    "ad or mail\nfollowed": ("ad_click", "email_click"),
    "service\nor store": ("service_contact", "store_visit"),
    "click on\na piece": ("click",),
    "view": ("view_item",),
    "search\nor wish": ("search", "add_to_wishlist"),
    "cart": ("add_to_cart",),
    "purchase": ("purchase",),
}
_STAYS, _EVENTS = range(9, 15), range(150, 420)
"""What the year shown has: enough to see, not too much."""


def draw(sample: Sample, path: Path) -> None:
    """Four panels."""
    with plots.sheet(path, 9.6) as figure:
        places = figure.subplot_mosaic("ab;cc;dd", height_ratios=[1.05, 0.8, 1.1], width_ratios=[1.15, 1])
        _dwell(places["a"], sample)
        moves = np.where(stages.transitions(sample) > 0, 100 * stages.transitions(sample), np.nan)
        plots.heat(places["b"], moves, STAGES, STAGES)
        plots.name(places["b"], "Where they lead: % of stays", "next stage", "stage", grid=None)
        _shares(places["c"], sample)
        _year(places["d"], sample, example(sample))


def _dwell(axes: Axes, sample: Sample) -> None:
    """One hump a stage over a log scale of days, with the world's median and the one seen."""
    edges = np.geomspace(0.7, 300, 45)
    middles, medians = np.sqrt(edges[1:] * edges[:-1]), sample.parameters.by_stage("dwell")
    for place, (stage, days) in enumerate(zip(STAGES, stages.dwell_times(sample), strict=True)):
        if not len(days):
            continue
        density = np.histogram(days, edges)[0] / len(days)
        foot = len(STAGES) - 1 - place
        axes.fill_between(middles, foot, foot + 0.62 * density / density.max(), color=COLOURS[stage], linewidth=0)
        axes.plot([medians[place]] * 2, [foot, foot + 0.88], color="#222222", linewidth=1.2)
        axes.plot(np.median(days), foot + 0.1, "o", color="#222222", markersize=4.5, markeredgecolor="white")
        axes.text(medians[place] * 1.08, foot + 0.78, f"{medians[place]:g} days", va="center")
    axes.set(xscale="log", xlim=(0.7, 300), ylim=(0, len(STAGES)))
    axes.set_yticks(np.arange(len(STAGES)) + 0.25, STAGES[::-1])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter("{x:g}")
    plots.name(axes, "How long stages last", "days (line: the world's median, dot: the median seen)", grid="x")


def _shares(axes: Axes, sample: Sample) -> None:
    days, shares = stages.shares_over_time(sample)
    axes.stackplot(days, shares.T, colors=COLOURS.values(), linewidth=0)
    middle = np.cumsum(shares[-1]) - shares[-1] / 2
    for stage, y in zip(STAGES, middle.tolist(), strict=True):
        axes.text(days[-1] * 1.012, y, stage, va="center")
    axes.set(xlim=(days[0], days[-1]), ylim=(0, 1))
    plots.percent(axes.yaxis)
    plots.name(axes, "Who is in which stage", "day of the story", "customers who know the shop", grid=None)


def example(sample: Sample) -> int:
    """The customer to show: there all year, in every stage, busy but not too much, with no stay that fills the year."""
    stays = sample.shop.story.stays
    person = stays.person.astype(np.int64)
    count = np.bincount(person, minlength=len(sample.members))
    reached = np.unique(person * len(STAGES) + stays.stage) // len(STAGES)
    various = np.bincount(reached, minlength=len(sample.members))
    events = np.bincount(sample.events.filter(pl.col("event") != SENT)["person"], minlength=len(sample.members))
    likely = (
        sample.members
        & (sample.shop.story.world.people.since < 0)
        & (various == len(STAGES))
        & np.isin(count, _STAYS)
        & np.isin(events, _EVENTS)
    )
    longest = np.zeros(len(count))
    np.maximum.at(longest, person, stays.length)
    return int(np.where(likely, longest, np.inf).argmin()) if likely.any() else int(events.argmax())


def _year(axes: Axes, sample: Sample, person: int) -> None:
    """Stages as bands behind what the customer does; a dot stands for a day, the larger the more happened."""
    stays = sample.shop.story.stays
    for row in np.flatnonzero(stays.person == person):
        end = min(stays.end[row], sample.size.days)
        axes.axvspan(max(stays.start[row], 0), end, color=COLOURS[STAGES[stays.stage[row]]], alpha=0.5, linewidth=0)
    mine = sample.events.filter(pl.col("person") == person)
    for place, events in enumerate(_ROWS.values()):
        day, number = _days(sample, mine.filter(pl.col("event").is_in(events)))
        axes.scatter(day, np.full(len(day), place), 12 * np.sqrt(number), color="#222222", linewidth=0)
    axes.set_yticks(range(len(_ROWS)), list(_ROWS))
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(0, sample.size.days), ylim=(len(_ROWS) - 0.5, -0.6))
    plots.name(axes, "One customer's year", "day of the story (larger dots: more that day)", grid=None)
    bands = [Patch(color=colour, alpha=0.5, linewidth=0, label=stage) for stage, colour in COLOURS.items()]
    axes.legend(
        handles=bands, ncols=len(bands), loc="lower right", bbox_to_anchor=(1.0, 0.985), handlelength=1.2, borderpad=0
    )


def _days(sample: Sample, events: pl.DataFrame) -> tuple[Floats, Floats]:
    """The days on which there are events, and how many."""
    time = events["at"].dt.epoch("us").to_numpy() - sample.shop.story.world.clock.start
    day, number = np.unique(time // DAY, return_counts=True)
    return day + 0.5, number.astype(np.float64)
