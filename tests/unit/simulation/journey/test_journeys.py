"""Journeys: stays, what touches people in them, and when they come; each number as the world has it."""

from collections import defaultdict

import numpy as np
import pytest
from tests.unit.simulation.sizes import small

from etappe.simulation import world
from etappe.simulation.chance import stream
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.journey.arrivals import APART, NONE, STORE
from etappe.simulation.journey.journeys import Journeys, Traveller
from etappe.simulation.parameters import AWARENESS, DECISION
from etappe.simulation.response import logistic
from etappe.simulation.tables import firsts
from etappe.simulation.world import World


@pytest.fixture(scope="module")
def place() -> World:
    """3,000 customers over 150 days."""
    return world.make(small(customers=3000, items=60, days=150))


@pytest.fixture(scope="module")
def past(place: World) -> Journeys:
    """Their journeys."""
    traveller = Traveller(place.parameters, place.clock, place.people, place.response)
    return traveller.travel(stream(3, "test"), np.arange(len(place.people)))


def _near(observed: float, expected: float, errors: float = 4.5) -> bool:
    """Whether a count is a Poisson number of this mean, but for so many standard errors."""
    return abs(observed - expected) < errors * np.sqrt(expected) + 1e-9


def test_first_stages_are_those_of_the_world(place: World, past: Journeys) -> None:
    """Newcomers begin in awareness when they come; of the others the stated shares are in each stage."""
    first = past.stays.at(firsts(past.stays.person))
    new = place.people.since[first.person] >= 0
    assert first.person.tolist() == list(range(len(place.people)))
    assert (first.stage[new] == AWARENESS).all()
    assert (first.start[new] == place.people.since[first.person[new]]).all()
    share = np.bincount(first.stage[~new]) / (~new).sum()
    assert share == pytest.approx(place.parameters.by_stage("at_first"), abs=4 * 0.5 / np.sqrt((~new).sum()))
    assert (first.start[~new] <= 0).all()


def test_everything_happens_inside_of_its_stay(past: Journeys) -> None:
    """Touches and visits lie between the beginning of their stay and its end, and are of its person and stage."""
    for part in (past.touches, past.visits):
        stay = past.stays.at(part.stay)
        assert (stay.person == part.person).all()
        assert (part.day >= stay.low).all()
        assert (part.day <= stay.low + stay.length).all()
    assert (past.stays.stage[past.visits.stay] == past.visits.stage).all()


def test_visits_are_by_person_and_time(past: Journeys) -> None:
    """Visits of one person are in order; but for the one that ends a decision, two hours apart within a stay."""
    visits = past.visits
    order = np.lexsort((visits.day, visits.person))
    assert (order == np.arange(len(order))).all()
    same = (np.diff(visits.stay) == 0) & ~visits.keen[1:] & ~visits.keen[:-1]
    assert np.diff(visits.day)[same].min() >= APART


def test_people_come_as_often_as_their_stage_has_it(place: World, past: Journeys) -> None:
    """Visits without a cause are the stated rate times activity, but for the weekdays on which people are not about."""
    stays, visits, people = past.stays, past.visits, place.people
    about = place.clock._week.mean(axis=1)[people.habit[stays.person]]
    rate = place.parameters.by_stage("visits")[stays.stage] * people.activity[stays.person]
    expected = np.bincount(stays.stage, rate * stays.length * about, minlength=5)
    own = (visits.source == NONE) & ~visits.keen
    observed = np.bincount(visits.stage[own], minlength=5)
    assert (observed / expected < 1.05).all()
    assert (observed / expected > 0.72).all()  # those that would begin too soon after another one do not take place


def test_a_decision_that_ends_well_ends_with_a_visit(past: Journeys) -> None:
    """Each stay in decision that leads on has one keen visit just before its end; no other stay has any."""
    stays, keen = past.stays, past.visits.at(past.visits.keen)
    ends = np.flatnonzero((stays.stage == DECISION) & stays.onward)
    assert sorted(keen.stay.tolist()) == ends.tolist()
    assert (stays.end[keen.stay] - keen.day <= 0.015 + 1e-9).all()


def test_touches_are_as_frequent_as_stated(place: World, past: Journeys) -> None:
    """Of every touchpoint in every stage as many as rate and resolve predict: mails to subscribers alone."""
    stays, touches, people = past.stays, past.touches, place.people
    subscribed = people.newsletter[stays.person]
    for number, point in enumerate(place.parameters.touchpoints):
        if point.every_days is not None:
            continue
        often = np.array(point.rate)[stays.stage] * np.exp(point.follows * people.resolve[stays.person]) * stays.length
        often = often * subscribed if point.kind == "email" else often
        here = touches.stay[touches.touchpoint == number]
        observed = np.bincount(stays.stage[here], minlength=5)
        expected = np.bincount(stays.stage, often, minlength=5)
        assert all(map(_near, observed.tolist(), expected.tolist())), point.name


def test_some_touchpoints_meet_those_who_would_move_on_anyway(place: World, past: Journeys) -> None:
    """People met by brand search in decision are more resolved than those in decision are, those met by mail are not."""
    stays, resolve = past.stays, place.people.resolve[past.stays.person]
    names = [point.name for point in place.parameters.touchpoints]
    here = stays.stage == DECISION
    usual = np.average(resolve[here], weights=stays.length[here])
    met = {}
    for name in ("brand-search", "organic-search"):
        stay = past.touches.stay[past.touches.touchpoint == names.index(name)]
        met[name] = resolve[stay[here[stay]]].mean() - usual
    assert met["brand-search"] > 0.08
    assert abs(met["organic-search"]) < 0.08


def test_newsletters_go_out_every_week(place: World, past: Journeys) -> None:
    """Each subscriber who knows the shop gets each issue once, and nobody else any; it is opened after eight (UTC)."""
    number = [point.every_days is not None for point in place.parameters.touchpoints].index(True)
    got = past.touches.at(past.touches.touchpoint == number)
    morning = (8 / 24 - (12 + 34 / 60 + 56 / 3600) / 24) % 1
    issue, since = np.divmod(got.day - morning, 7)
    people = place.people
    assert len(np.unique(np.stack((got.person, issue)), axis=1).T) == len(got)
    assert people.newsletter[got.person].all()
    always = np.flatnonzero(people.newsletter & (people.since < 0))
    assert np.bincount(got.person, minlength=len(people))[always].tolist() == [22] * len(always)
    assert since.min() > 0
    assert np.median(since) == pytest.approx(0.08, rel=0.1)
    assert (since < 1).mean() > 0.99


def test_mails_are_opened_and_clicked_as_stated(place: World, past: Journeys) -> None:
    """Of newsletters the stated shares by stage are opened, and of these clicked; other touches always work."""
    mail = np.array([point.kind == "email" for point in place.parameters.touchpoints])
    touches, stage = past.touches, past.stays.stage[past.touches.stay]
    assert touches.worked[~mail[touches.touchpoint]].all()
    assert (touches.opened | ~touches.worked).all()
    names = [point.name for point in place.parameters.touchpoints]
    point = place.parameters.touchpoints[names.index("newsletter")]
    for place_of_stage in range(5):
        here = (touches.touchpoint == names.index("newsletter")) & (stage == place_of_stage)
        opened, clicked = touches.opened[here], touches.worked[here]
        assert _near(opened.sum(), here.sum() * point.open[place_of_stage])
        assert _near(clicked.sum(), opened.sum() * point.click[place_of_stage])


def test_touches_that_work_bring_people_to_the_shop(place: World, past: Journeys) -> None:
    """A visit with a source is at the time of its touch, which worked; service calls bring nobody."""
    visits = past.visits.at(past.visits.touch != NONE)
    touches = past.touches.at(visits.touch)
    assert (touches.touchpoint == visits.source).all()
    assert (touches.person == visits.person).all()
    assert touches.day == pytest.approx(visits.day)
    assert touches.worked.all()
    kinds = np.array([point.kind for point in place.parameters.touchpoints])
    assert set(kinds[visits.source]) == {"ad", "organic", "social", "email", "referral", "store"}
    assert (visits.channel[kinds[visits.source] != "store"] != STORE).all()
    works = past.touches.worked & (kinds != "service")[past.touches.touchpoint]
    assert 0.85 < len(visits) / works.sum() <= 1


def test_the_chance_to_move_on_is_made_of_what_happened(place: World, past: Journeys) -> None:
    """The logit of a stay is advance + resolve + effects, the n-th touch of a kind counting 0.6^(n-1), + clicks."""
    said, people, stays = place.parameters, place.people, past.stays
    worked: dict[int, list[int]] = defaultdict(list)
    for stay, point, works in zip(past.touches.stay, past.touches.touchpoint, past.touches.worked, strict=True):
        if works:
            worked[int(stay)].append(int(point))
    clicked: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(past.visits.clicked).tolist():
        clicked[int(past.visits.stay[row])].append(int(past.visits.piece[row]))
    kinds = [piece.kind for piece in pieces()]
    ended = np.flatnonzero(~np.isnan(stays.logit))
    busy = sorted(ended.tolist(), key=lambda stay: -len(worked[stay]) - 2 * len(clicked[stay]))[:1500]
    for stay in busy:
        stage = int(stays.stage[stay])
        logit = said.stages[stage].advance + people.resolve[stays.person[stay]]
        for point in set(worked[stay]):
            effect = said.touchpoints[point].effect[stage]
            logit += sum(effect * said.touch.fading**turn for turn in range(worked[stay].count(point)))
        logit += sum(said.pieces.kinds[kinds[piece]].lift[stage] for piece in clicked[stay])
        assert stays.logit[stay] == pytest.approx(logit)
    assert sum(len(clicked[stay]) > 0 for stay in busy) > 300


def test_gains_are_what_the_chance_would_lack(place: World, past: Journeys) -> None:
    """The gains of one kind's touches in a stay add up to the difference to the chance without them; open stays gain 0."""
    stays, touches, said = past.stays, past.touches, place.parameters
    width = len(said.touchpoints)
    worked = touches.at(touches.worked)
    key, count = np.unique(worked.stay * width + worked.touchpoint, return_counts=True)
    stay, point = np.divmod(key, width)
    effect = np.array([one.effect for one in said.touchpoints])[point, stays.stage[stay]]
    added = effect * (1 - said.touch.fading**count) / (1 - said.touch.fading)
    lacking = logistic(stays.logit[stay]) - logistic(stays.logit[stay] - added)
    gained = np.bincount(worked.stay * width + worked.touchpoint, worked.gain)[key]
    assert gained == pytest.approx(np.nan_to_num(lacking))
    assert not touches.gain[~touches.worked].any()


def test_moods_are_mostly_those_of_the_stage(place: World, past: Journeys) -> None:
    """The stated share behaves as its stage has it; of the others most do as in another stage, any of them."""
    visits = past.visits.at(~past.visits.keen)
    shares = place.parameters.by_stage("at_first")
    expected = place.parameters.visits.mood
    as_stage = expected + (1 - expected) * shares[visits.stage].mean()
    assert (visits.mood == visits.stage).mean() == pytest.approx(as_stage, abs=0.005)
    assert set(np.unique(visits.mood[visits.mood != visits.stage])) == set(range(5))


def test_home_pages_show_any_piece_alike(place: World, past: Journeys) -> None:
    """The stated share of online visits begins on the home page; each piece is shown there with the same chance."""
    visits = past.visits.at((past.visits.channel != STORE) & ~past.visits.keen)
    assert visits.home.mean() == pytest.approx(place.parameters.visits.home, abs=0.01)
    assert ((visits.piece != NONE) == visits.home).all()
    count = np.bincount(visits.piece[visits.home])
    assert all(_near(one, count.mean()) for one in count.tolist())


def test_sights_of_a_piece_are_counted_within_a_stay(past: Journeys) -> None:
    """`seen` is how often the piece was shown in the same stay before, counted naively."""
    before: dict[tuple[int, int], int] = defaultdict(int)
    visits = past.visits.at(past.visits.home)
    for stay, piece, seen in zip(visits.stay.tolist(), visits.piece.tolist(), visits.seen.tolist(), strict=True):
        assert seen == before[stay, piece]
        before[stay, piece] += 1
    assert max(before.values()) > 2
