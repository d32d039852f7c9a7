"""The stages people are in by the truth: how long, where they go next, how many are in each."""

import numpy as np

from benchmarks.simulated import tables
from benchmarks.simulated.sample import Sample
from etappe.simulation.parameters import STAGES
from etappe.simulation.tables import Floats, Ints


def show(sample: Sample) -> None:
    """Prints dwell times, transitions and shares."""
    medians = sample.parameters.by_stage("dwell").tolist()
    both = zip(STAGES, dwell_times(sample), dwell_times(sample, by_pace=True), medians, strict=True)
    rows = (
        [stage, len(days), *np.quantile(days, [0.1, 0.5, 0.9]).tolist(), float(np.median(paced)), median]
        for stage, days, paced, median in both
        if len(days)
    )
    head = ["", "stays", "10th percentile of days", "median", "90th", "median at pace 1", "the world's"]
    tables.show("Stays in a stage (begun in the story)", head, rows)
    moves = transitions(sample)
    rows_of = (
        [stage, *(tables.percent(share, 0) for share in row)] for stage, row in zip(STAGES, moves.tolist(), strict=True)
    )
    tables.show("From a stage (row) to the next (column)", ["", *STAGES], rows_of)
    days, shares = shares_over_time(sample)
    places = np.linspace(0, len(days) - 1, 5).astype(int)
    over = (
        [f"day {days[place]:.0f}", *(tables.percent(share) for share in shares[place].tolist())] for place in places
    )
    tables.show("Customers by stage", ["", *STAGES], over)


def dwell_times(sample: Sample, *, by_pace: bool = False) -> list[Floats]:
    """float64[n] for each stage: days of all stays that began in the story, however long they then went on.

    The quick have more stays than the slow: so the days are fewer than the world says, unless `by_pace` divides each by
    how slow the person is.
    """
    stays = sample.shop.story.stays
    begun = stays.start > 0
    pace = sample.shop.story.world.people.pace[stays.person] if by_pace else 1.0
    return [((stays.end - stays.start) / pace)[begun & (stays.stage == stage)] for stage in range(len(STAGES))]


def transitions(sample: Sample) -> Floats:
    """float64[5, 5]: the share of the stays in each stage (row) that each stage follows (column)."""
    stays = sample.shop.story.stays
    ended = ~np.isnan(stays.logit)
    pair = stays.stage[ended].astype(np.int64) * len(STAGES) + stays.next[ended]
    count = np.bincount(pair, minlength=len(STAGES) ** 2).reshape(len(STAGES), len(STAGES))
    return np.asarray(count / np.maximum(count.sum(axis=1, keepdims=True), 1))


def shares_over_time(sample: Sample) -> tuple[Floats, Floats]:
    """float64[n] days and float64[n, 5]: the stages of the customers who know the shop by then."""
    world, oracle = sample.shop.story.world, sample.shop.oracle
    days = np.linspace(0.5, sample.size.days - 0.5, min(sample.size.days, 74))
    shares = []
    for day in days:
        there = np.flatnonzero(sample.members & (world.people.since <= day))
        stage: Ints = oracle.stage_at(there, np.full(len(there), day))
        shares.append(np.bincount(stage, minlength=len(STAGES)) / len(there))
    return days, np.array(shares)
