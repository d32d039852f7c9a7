"""How people respond to what they are shown, beside how likely they were to by the truth."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.simulated import tables
from benchmarks.simulated.sample import Sample, piece_kinds
from etappe.simulation.parameters import STAGES

_BINS: Final = 12
RATES: Final = (
    pl.len().alias("shown"),
    pl.col("clicked").mean().alias("rate"),
    pl.col("true_click").mean().alias("true"),
    (1.96 * (pl.col("true_click") * (1 - pl.col("true_click"))).sum().sqrt() / pl.len()).alias("error"),
)
"""`error` is half the width of the interval in which 95 % of the rates would lie if the truth holds."""


def show(sample: Sample) -> None:
    """Prints click rates by position, and by stage and kind of piece."""
    rows = (
        [f"{position + 1}", shown, tables.percent(rate, 2), tables.percent(true, 2), tables.percent(error, 2)]
        for position, shown, rate, true, error in by_position(sample).iter_rows()
    )
    tables.show("Clicks on the list by position", ["", "shown", "clicked", "by the truth", "95 % within"], rows)
    found = {(kind, stage): (rate, true) for kind, stage, _, rate, true, _ in by_kind(sample).iter_rows()}
    cells = (
        [kind, *(_both(*found.get((kind, stage), (np.nan, np.nan))) for stage in STAGES)]
        for kind in piece_kinds(sample)
    )
    tables.show("Clicks on pieces by kind and stage (in brackets by the truth)", ["", *STAGES], cells)


def items(sample: Sample) -> pl.DataFrame:
    """What was shown in lists."""
    return sample.responses.filter(pl.col("item_id").is_not_null())


def pieces(sample: Sample) -> pl.DataFrame:
    """The pieces that were shown."""
    return sample.responses.filter(pl.col("kind").is_not_null())


def by_position(sample: Sample) -> pl.DataFrame:
    """Rates at each position of the list."""
    return items(sample).group_by("position").agg(RATES).sort("position")


def by_kind(sample: Sample) -> pl.DataFrame:
    """Rates for each kind of piece in each stage."""
    return pieces(sample).group_by("kind", "stage").agg(RATES)


def over_time(sample: Sample) -> pl.DataFrame:
    """Rates of each kind of piece, by the mean `day` of each month or so."""
    days = sample.size.days / max(1, round(sample.size.days / 30))
    start = pl.lit(sample.size.end) - pl.duration(days=sample.size.days)
    day = (pl.col("timestamp") - start).dt.total_hours() / 24
    rows = pieces(sample).with_columns(day=day, part=(day / days).floor())
    return rows.group_by("kind", "part").agg(pl.col("day").mean(), *RATES).sort("kind", "part")


def calibration(shown: pl.DataFrame) -> pl.DataFrame:
    """Rates in bins of the true chance with as many clicks to be expected in each."""
    rows = shown.sort("true_click")
    bins = (pl.col("true_click").cum_sum() / pl.col("true_click").sum() * _BINS).floor().clip(0, _BINS - 1)
    return rows.group_by(bins.alias("bin")).agg(RATES).sort("bin")


def _both(rate: float, true: float) -> str:
    return f"{tables.percent(rate)} ({tables.percent(true)})"
