"""The stages people are in by the truth: how long, where they go next, how many are in each."""

import numpy as np

from benchmarks import simulated_tables as tables
from benchmarks.simulated_sample import Sample
from etappe.simulation.parameters import STAGES
from etappe.simulation.tables import Floats, Ints


def show(sample: Sample) -> None:
    """Prints dwell times, transitions and shares."""
    dwell, medians = dwell_times(sample), sample.parameters.by_stage("dwell")
    rows = (
        [stage, len(days), float(np.median(days)), float(medians[place]), *np.quantile(days, [0.1, 0.9]).tolist()]
        for place, (stage, days) in enumerate(zip(STAGES, dwell, strict=True))
        if len(days)
    )
    head = ["", "stays", "median days", "the world's", "10th percentile", "90th"]
    tables.show("Stays in a stage (begun in the story)", head, rows)
    moves = transitions(sample)
    rows_of = (
        [stage, *(tables.percent(share, 0) for share in row)] for stage, row in zip(STAGES, moves.tolist(), strict=True)
    )
    tables.show("From a stage (row) to the next (column)", ["", *STAGES], rows_of)
    days, shares = shares_over_time(sample)
    places = np.linspace(0, len(days) - 1, 5).astype(int)
    over = ([f"day {days[place]:.0f}", *(tables.percent(share) for share in shares[place].tolist())] for place in places)
    tables.show("Customers by stage", ["", *STAGES], over)


def dwell_times(sample: Sample) -> list[Floats]:
    """float64[n] for each stage: days of all stays that began in the story, however long they then went on."""
    stays = sample.shop.story.stays
    begun = stays.start > 0
    return [(stays.end - stays.start)[begun & (stays.stage == stage)] for stage in range(len(STAGES))]


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
