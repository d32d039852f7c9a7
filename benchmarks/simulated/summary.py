"""A shop in a few figures, to lay two seeds side by side."""

import numpy as np
import polars as pl

from benchmarks.simulated import guess, sales, stages, tables, traffic
from benchmarks.simulated.guess import Score
from benchmarks.simulated.sample import Sample
from etappe.simulation.parameters import STAGES

Summary = dict[str, object]
_SALES = (
    "lines an order: mean",
    "order value: median",
    "orders a buyer: mean",
    "lines bought before by the same buyer",
)
_FUNNEL = ("carts for 100 views", "purchase lines for 100 views", "sessions with a purchase")


def summary(sample: Sample, scores: dict[tuple[str, str], Score]) -> Summary:
    """The figures of one shop."""
    lines, steps = sales.figures(sales.simulated(sample)[sales.EVERYBODY]), traffic.funnel(traffic.online(sample))
    mean = stages.shares_over_time(sample)[1].mean(axis=0)
    clicks = sample.responses.group_by(pl.col("kind").is_null()).agg(pl.col("clicked").mean())
    rate = dict(clicks.iter_rows())
    found: Summary = {"events": len(sample.events)}
    found |= {name: lines[name] for name in ("buyers", *_SALES, "lines of the top fifth of items")}
    found |= {name: steps[name] for name in _FUNNEL}
    found |= {
        f"customers in {stage}": tables.percent(share) for stage, share in zip(STAGES, mean.tolist(), strict=True)
    }
    found |= {"clicks on items shown": tables.percent(float(rate.get(True, np.nan)), 2)}
    found |= {"clicks on pieces shown": tables.percent(float(rate.get(False, np.nan)), 2)}
    return found | {
        f"macro-F1, {reading}": scores[reading, "any time"].plain for reading in (guess.LAST, guess.OVER_TIME)
    }


def show(summaries: dict[int, Summary]) -> None:
    """Prints them, by seed."""
    names = next(iter(summaries.values()))
    rows = ([name, *(one[name] for one in summaries.values())] for name in names)
    tables.show("Two seeds", ["", *(f"seed {seed}" for seed in summaries)], rows)
