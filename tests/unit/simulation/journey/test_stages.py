"""True stages: a semi-Markov process that can be learned from a history, and not from the last event."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest
from tests.unit.simulation.guessing import WORDS, Customers, score

from etappe.simulation import Shop, Size, parameters
from etappe.simulation.chance import stream
from etappe.simulation.journey.journeys import Traveller
from etappe.simulation.journey.stays import OPEN, Stays
from etappe.simulation.parameters import STAGES
from etappe.simulation.response import logistic
from etappe.simulation.story import Story
from etappe.simulation.world import make

BAR = 0.65
"""Macro-F1 that no reading of the last event may exceed."""
HOURS = 0.04
"""What the hours at which stays end change in the distribution of their times, at most."""
LEARNED = 0.12
"""By how much a reading of the history is better, at least."""


@pytest.fixture(scope="module")
def story(shop: Shop) -> Story:
    """A longer story of more people, of which only the journeys are told."""
    world = make(Size(customers=5000, items=30, days=240, seed=8, end=shop.size.end))
    traveller = Traveller(world.parameters, world.clock, world.people, world.response)
    stays = traveller.travel(stream(8, "journeys"), np.arange(len(world.people))).stays
    return Story(**(dict.fromkeys(Story.__struct_fields__) | {"world": world, "stays": stays}))


@pytest.fixture(scope="module")
def ended(story: Story) -> Stays:
    """All stays that ended in the story."""
    return story.stays.at(~np.isnan(story.stays.logit))


def test_the_oracle_knows_the_stage_at_any_time(shop: Shop) -> None:
    """At random moments the oracle's stage is that of the stay in the truth's table which has this moment inside."""
    chance = np.random.default_rng(1)
    stays = shop.truth.stages
    person = chance.integers(len(shop.story.world.people), size=3000)
    day = chance.random(3000) * shop.size.days
    told = shop.oracle.stage_at(person, day)
    by_person = {
        key[0]: part.rows() for key, part in stays.select("person", "since", "until", "stage").group_by("person")
    }
    moments = pl.Series(shop.story.world.clock.moment(day)).cast(stays.schema["since"]).to_list()
    looked_up = 0
    for who, when, stage in zip(person.tolist(), moments, told.tolist(), strict=True):
        inside = [row[3] for row in by_person[who] if row[1] <= when and (row[2] is None or when < row[2])]
        first = min(by_person[who], key=lambda row: row[1])
        assert STAGES[stage] == (inside[0] if inside else first[3])
        assert len(inside) == (when >= first[1])
        looked_up += len(inside)
    assert looked_up > 2000


def test_stays_follow_each_other_without_gaps(shop: Shop) -> None:
    """Each stay of a person begins when the one before ends, which has one open end: the last one's."""
    stays = shop.truth.stages.sort("person", "since").with_columns(
        following=pl.col("since").shift(-1).over("person"), next=pl.col("stage").shift(-1).over("person")
    )
    assert stays["until"].equals(stays["following"].rename("until"))
    assert stays.filter(pl.col("until") <= pl.col("since")).is_empty()
    led = stays.filter("onward").select("stage", "next").unique().rows()
    assert set(led) == {(one.name, one.onward) for one in shop.story.world.parameters.stages}
    fell = set(stays.filter(~pl.col("onward") & pl.col("until").is_not_null()).select("stage", "next").unique().rows())
    assert fell == {(one.name, other) for one in shop.story.world.parameters.stages for other in one.otherwise}


@pytest.mark.parametrize("stage", range(5))
def test_dwell_times_are_log_normal(story: Story, stage: int) -> None:
    """Of stays begun in the story the log of their time has the world's median (times the person's pace) and spread.

    They end at an hour at which the person is about, so that the times of short ones are off by some hours.
    """
    stays, people, said = story.stays, story.world.people, story.world.parameters.stages[stage]
    begun = (stays.stage == stage) & (stays.start > 0)
    days = (stays.end - stays.start)[begun]
    assert len(days) > 600
    z = np.log(days / said.dwell / people.pace[stays.person[begun]]) / said.spread
    assert kstest(z, "norm").statistic < 1.95 / np.sqrt(len(z)) + HOURS
    assert z.mean() == pytest.approx(0, abs=4 / np.sqrt(len(z)) + HOURS)
    assert z.std() == pytest.approx(1, abs=4 / np.sqrt(len(z)) + HOURS)
    assert kstest(days, "expon", args=(0, days.mean())).statistic > 3 * 1.95 / np.sqrt(len(z))


def test_leaving_depends_on_how_long_somebody_is_there(story: Story) -> None:
    """A Markov process leaves at one rate; here nearly nobody leaves early: the process is semi-Markov."""
    stays = story.stays
    for stage, said in enumerate(story.world.parameters.stages):
        days = (stays.end - stays.start)[(stays.stage == stage) & (stays.start > 0)]
        early, later = said.dwell / 6, said.dwell
        leaves_early = (days < early).mean()
        leaves_later = (days < later + early).sum() / len(days) - (days < later).mean()
        assert leaves_later / (days >= later).mean() > 2 * leaves_early


def test_people_move_on_with_their_chance(ended: Stays) -> None:
    """In every stage the share that moves on is the mean of the chances, within four standard errors; overall too."""
    for stage in range(5):
        here = ended.stage == stage
        _agree(ended.onward[here], logistic(ended.logit[here]))
    _agree(ended.onward, logistic(ended.logit))


def test_chances_of_moving_on_are_calibrated(ended: Stays) -> None:
    """The same in each tenth of the stays by their chance."""
    chance = logistic(ended.logit)
    for rows in np.array_split(np.argsort(chance), 10):
        _agree(ended.onward[rows], chance[rows])
    assert np.quantile(chance, 0.9) - np.quantile(chance, 0.1) > 0.2


def test_people_fall_back_where_the_world_says(story: Story, ended: Stays) -> None:
    """Of those who do not move on each stage gets its share, within four standard errors."""
    for stage in range(5):
        rest = ended.next[(ended.stage == stage) & ~ended.onward]
        share = np.bincount(rest, minlength=5) / len(rest)
        expected = story.world.parameters.otherwise()[stage]
        assert share == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(len(rest)))
        assert (share[expected == 0] == 0).all()
    assert OPEN not in ended.next


def test_every_stage_has_people_in_it(shop: Shop) -> None:
    """Over the story each stage has 2 to 60 % of all time, decision the least."""
    stays = shop.story.stays
    share = np.bincount(stays.stage, stays.length, minlength=5) / stays.length.sum()
    assert share.min() > 0.02
    assert share.max() < 0.6
    assert share.argmin() == parameters.DECISION


@pytest.fixture(scope="module")
def customers(shop: Shop) -> Customers:
    """What the customers of the shop did."""
    return Customers(shop)


@pytest.mark.long
@pytest.mark.parametrize("when", ["any time", "the event"])
def test_the_last_event_does_not_give_the_stage_away(customers: Customers, when: str) -> None:
    """A classifier of all that the last event says stays below the bar; one of the history is far better."""
    chance = np.random.default_rng(1)
    asked = customers.any_time(chance) if when == "any time" else customers.at_events(chance)
    last = score(customers.last_event(asked), asked, words=len(WORDS), weights=(None, "balanced"))
    assert last <= BAR
    assert last > 0.2  # it does learn something: by chance it would be .2 at most
    assert score(customers.over_time(asked), asked) >= last + LEARNED


def _agree(happened: NDArray[np.bool_], chance: NDArray[np.float64]) -> None:
    """As many as their chances say, within four standard errors."""
    error = np.sqrt((chance * (1 - chance)).sum())
    assert abs(happened.sum() - chance.sum()) < 4 * error
