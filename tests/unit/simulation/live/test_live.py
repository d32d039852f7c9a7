"""A story played on: people respond to what they are shown with the known chances, and to nothing else."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from etappe.errors import InputError
from etappe.events.intake import read_event
from etappe.simulation import Shop, Size, live, simulate
from etappe.simulation.chance import stream
from etappe.simulation.live.client import Client
from etappe.simulation.live.crowd import Crowd
from etappe.simulation.parameters import DECISION, RETENTION

FAST = live.Pace(visits_per_second=1e9, visits=400)


class Etappe(Client):
    """An Etappe that shows always the same, and remembers what it was told."""

    def __init__(self, items: Sequence[str] = (), pieces: Sequence[str] = ()) -> None:
        super().__init__("http://127.0.0.1:1", None)
        self.items, self.pieces = list(items), list(pieces)
        self.requests: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.available: dict[str, bool] = {}
        self._number = itertools.count()

    def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        """Shows what it always shows."""
        self.requests.append(request)
        filled = {
            one["name"]: {"content": [{"id": piece} for piece in self.pieces]}
            if one.get("kind") == "content"
            else {"items": [{"id": item} for item in self.items[: one["limit"]]]}
            for one in request["placements"]
        }
        return {"decision": f"d{next(self._number)}", "placements": filled}

    def send(self, events: Sequence[dict[str, Any]]) -> int:
        """Takes everything."""
        self.events += events
        return 0

    def put_items(self, items: Sequence[dict[str, Any]]) -> None:
        """Remembers what is there."""
        self.available |= {item["id"]: item["available"] for item in items}


@pytest.fixture(scope="module")
def small() -> Shop:
    """A shop that people go on visiting."""
    return simulate(Size(customers=400, items=200, days=60, seed=5, end=datetime(2026, 6, 30, 12, tzinfo=UTC)))


def _played(shop: Shop, etappe: Etappe, pace: live.Pace = FAST) -> live.Played:
    return live.play(shop.story, shop.named, etappe, pace)


def _in_stock(shop: Shop) -> list[str]:
    return [item.id for item in shop.items if item.available]


def test_clicks_are_as_frequent_as_the_truth_has_it(small: Shop) -> None:
    """Over many lists the clicks are as many as their expected number, but for chance (4 standard errors)."""
    etappe = Etappe(_in_stock(small)[:5])
    played = _played(small, etappe, live.Pace(visits_per_second=1e9, visits=3000))
    assert abs(played.clicks - played.expected) < 4 * np.sqrt(played.expected)
    assert 0.2 * played.lists * played.served < played.expected < played.lists * played.served  # people tire of it


def test_nobody_clicks_where_nothing_is_shown(small: Shop) -> None:
    """Empty lists are no impressions and no clicks; people still look around and buy."""
    etappe = Etappe()
    played = _played(small, etappe)
    assert played.clicks == 0
    assert {"impression", "click"}.isdisjoint(event["event"] for event in etappe.events)
    assert {"view_item", "purchase"} <= {event["event"] for event in etappe.events}


def test_better_lists_are_clicked_more(small: Shop) -> None:
    """The items that people truly like best on average bring over twice the clicks of those they like least."""
    people, day = np.arange(400), np.full(400, 59.9)
    stock = np.array([place for place, item in enumerate(small.items) if item.available])
    values = [small.oracle.item_values(people, day, np.full(400, item), "clicks").mean() for item in stock.tolist()]
    liked = [small.items[place].id for place in stock[np.argsort(values)].tolist()]
    best, worst = (_played(small, Etappe(items)).clicks for items in (liked[-5:], liked[:5]))
    assert best > 2 * worst


def test_what_is_told_can_be_taken(small: Shop) -> None:
    """Every event passes the checks of the intake, and ids are unique."""
    etappe = Etappe(_in_stock(small)[:5], ["guide-lamps"])
    _played(small, etappe)
    for event in etappe.events:
        read_event(msgspec.json.encode(event), datetime.now(UTC))
    assert len({event["event_id"] for event in etappe.events}) == len(etappe.events) > 1000


def test_impressions_name_their_decision(small: Shop) -> None:
    """Impressions and clicks say which decision, placement and position they are of."""
    etappe = Etappe(_in_stock(small)[:5], ["guide-lamps"])
    _played(small, etappe)
    seen = [event for event in etappe.events if event["event"] in ("impression", "click")]
    assert all({"decision", "placement", "position"} <= set(event["properties"]) for event in seen)
    assert {event["properties"]["placement"] for event in seen} == {"home.top", "home.hero", "product.also"}


def test_what_sells_out_is_told_and_left_alone(small: Shop) -> None:
    """What was told to be sold out is not put into a cart until it is there again; in the end everything is."""
    etappe = Etappe(_in_stock(small)[:5])
    told: list[tuple[str, set[str]]] = []
    send = etappe.send

    def noting(events: Sequence[dict[str, Any]]) -> int:
        empty = {item for item, there in etappe.available.items() if not there}
        told.extend((event["item_id"], empty) for event in events if event["event"] == "add_to_cart")
        return send(events)

    etappe.send = noting  # type: ignore[method-assign]
    _played(small, etappe, live.Pace(visits_per_second=1e9, visits=1500))
    assert any(empty for _, empty in told)
    assert not [item for item, empty in told if item in empty]
    assert all(etappe.available.values())


def test_what_is_sold_out_cannot_be_bought(small: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it is shown, and everybody clicks on it and wants it: it gets into no cart and no order."""
    monkeypatch.setattr(small.story.world.response, "item_click", lambda *of: np.ones(len(of[2])))
    monkeypatch.setattr(small.story.world.response, "item_buy", lambda *of: np.ones(len(of[2])))
    gone, there = (next(item.id for item in small.items if item.available is one) for one in (False, True))
    etappe = Etappe([gone, there])
    _played(small, etappe, live.Pace(visits_per_second=1e9, visits=1))
    bought = {event["item_id"] for event in etappe.events if event["event"] in ("add_to_cart", "purchase")}
    assert there in bought
    assert gone not in bought


def test_sold_out_items_that_are_shown_are_counted(small: Shop) -> None:
    """What is sold out when the play begins and shown in its first visit counts once for each list that has it."""
    gone = [item.id for item in small.items if not item.available][:1]
    played = _played(small, Etappe(gone), live.Pace(visits_per_second=1e9, visits=1))
    assert played.sold_out_shown == played.lists >= 1


def test_a_play_begins_with_the_stock_of_the_story(small: Shop) -> None:
    """All items are told to be there or not as the catalogue has it, whatever an earlier play left behind."""
    etappe = Etappe()
    live.play(small.story, small.named, etappe, FAST, stopped=lambda: bool(etappe.requests))
    first = {item.id: item.available for item in small.items}
    assert set(etappe.available) == set(first)


def test_people_move_on_as_in_the_story(small: Shop) -> None:
    """Sixty days later as many people are in each stage as the story had over its time, within a tenth of them."""
    crowd = Crowd(small.story, stream(1, "test"))
    stays = small.story.stays
    share = np.bincount(stays.stage, stays.length, minlength=5) / stays.length.sum()
    later = np.zeros(5)
    for _ in range(60):
        crowd.pass_time(1.0)
        later += np.bincount(crowd.stage, minlength=5)
    assert np.abs(later / later.sum() - share).max() < 0.1


def test_who_has_decided_comes_to_buy(small: Shop) -> None:
    """Whoever goes from decision to retention is the next visitor, in the mood to buy."""
    crowd = Crowd(small.story, stream(2, "test"))
    for _ in range(200):
        before = crowd.stage.copy()
        crowd.pass_time(0.1)
        gone = np.flatnonzero((before == DECISION) & (crowd.stage == RETENTION))
        if len(gone):
            break
    person, keen = crowd.next_visitor()
    assert keen
    assert person in gone.tolist()


def test_sights_are_counted_within_a_stay(small: Shop) -> None:
    """What somebody saw is counted, each thing by itself, until they move on to another stage."""
    crowd = Crowd(small.story, stream(3, "test"))
    assert [crowd.saw(0, "i1"), crowd.saw(0, "i1"), crowd.saw(0, "i2"), crowd.saw(1, "i1")] == [0, 1, 0, 0]
    crowd.pass_time(2000.0)
    assert crowd.saw(0, "i1") == 0


def test_clicks_on_pieces_change_who_moves_on(small: Shop) -> None:
    """Lifted by a lot everybody moves on from awareness, weighed down nobody does."""
    onward = []
    for logit in (50.0, -50.0):
        crowd = Crowd(small.story, stream(4, "test"))
        aware = np.flatnonzero(crowd.stage == 0)
        for person in aware.tolist():
            crowd.lift(person, logit)
        until = crowd._until[aware].max()
        first = {}
        while crowd.now < until:
            crowd.pass_time(0.05)
            for person in aware.tolist():
                if person not in first and crowd._added[person] == 0.0:
                    first[person] = int(crowd.stage[person])
        onward.append(np.mean([stage != 0 for stage in first.values()]))
    assert onward[0] > 0.95
    assert onward[1] < 0.05


def test_it_ends_when_it_is_asked_to(small: Shop) -> None:
    """A play without an end stops when it is told to; one with an end has exactly so many visits."""
    assert _played(small, Etappe(), live.Pace(visits_per_second=1e9, visits=7)).visits == 7
    etappe = Etappe()
    endless = live.play(small.story, small.named, etappe, live.Pace(1e9), stopped=lambda: len(etappe.events) > 100)
    assert 0 < endless.visits < 100


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://shop", "http://"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    """The refusal shows what an address looks like."""
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:8000"):
        Client(url, None)
