"""The gate: numbered verdicts, the first check that forbids, and how they are counted."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import NOW, SETTINGS, Model, catalogue_items, overlaid, state

from etappe.catalog.filters import compile_filter
from etappe.catalog.item import Item
from etappe.customers import records
from etappe.customers.state import fold_state
from etappe.events.vocabulary import Purchase
from etappe.ids import item_hash
from etappe.serving.checks import CHECKS
from etappe.serving.gate import Gate, OwnChecks, left_out, on_page
from etappe.serving.request import Context
from etappe.serving.viewing.view import View
from etappe.settings import Showing

DAYS = (0.5, 13.0, 15.0, 40.0)
PATHS = (None, "tea", "tea/green", "coffee")


def _item(number: int, told: tuple[bool, str | None, str | None, int | None]) -> Item:
    available, category, group, floor = told
    return Item(id=f"i{number}", available=available, category=category, item_group_id=group, floor_days=floor)


_ITEMS = st.lists(
    st.tuples(
        st.sampled_from([True, True, False]),
        st.sampled_from(PATHS),
        st.sampled_from([None, None, "g"]),
        st.sampled_from([None, None, 0, 30]),
    ),
    min_size=1,
    max_size=8,
).map(lambda told: [_item(number, one) for number, one in enumerate(told)])


def _naive(items: list[Item], done: list[tuple[str, str, float]], page: list[str], showing: Showing, item: Item) -> str:
    """The first check, in the order of the contract, that forbids `item`; of a shop in which nobody buys twice."""
    by_id = {one.id: one for one in items}

    def group(one: Item) -> str:
        return one.item_group_id or one.id

    bought = [(by_id[who], days) for event, who, days in done if event == "purchase" and who in by_id]
    last = {one.id: min(days for other, days in bought if other.id == one.id) for one, _ in bought}
    floors = {one.id: showing.floor_days if one.floor_days is None else one.floor_days for one in items}
    forbidding = {
        "unavailable": not item.available,
        "ignored": group(item) in {group(by_id[who]) for event, who, _ in done if event == "ignore" and who in by_id},
        "just_bought": group(item) in {group(by_id[who]) for who, days in last.items() if days < floors[who]},
        "bought_before": group(item)
        in {group(by_id[who]) for who in last if by_id[who].floor_days is None and showing.again_share > 0},
        "bought_once": any(
            _below(item, path) and any(_below(by_id[who], path) for who in last) for path in showing.bought_once
        ),
        "on_this_page": group(item) in {group(by_id[who]) for who in page if who in by_id},
    }
    return next((name for name in CHECKS if forbidding.get(name)), "")


def _below(item: Item, path: str) -> bool:
    return (item.category or "") == path or (item.category or "").startswith(f"{path}/")


@settings(max_examples=400, deadline=None)
@given(items=_ITEMS, data=st.data())
def test_verdicts_are_those_of_the_words(items: list[Item], data: st.DataObject) -> None:
    """For any shop and history each row gets the number of the first check that forbids it, by the words alone."""
    ids = st.sampled_from([*(item.id for item in items), "gone"])
    event = st.sampled_from(["purchase", "purchase", "ignore", "view_item"])
    done = data.draw(st.none() | st.lists(st.tuples(event, ids, st.sampled_from(DAYS)), max_size=8))
    page = data.draw(st.lists(ids, max_size=2))
    showing = Showing(
        floor_days=data.draw(st.sampled_from([0, 14])),
        again_share=data.draw(st.sampled_from([0.0, 0.1])),
        bought_once=tuple(data.draw(st.lists(st.sampled_from(["tea", "coffee"]), max_size=2))),
    )
    gate = Gate(View(overlaid(items)), state(done) if done is not None else None, page, showing, NOW.timestamp())
    found = ["" if number == 0 else CHECKS[number - 1] for number in gate.judge(np.arange(len(items))).tolist()]
    assert [_naive(items, done or [], page, showing, item) for item in items] == found


def test_many_that_are_held_back() -> None:
    """With a thousand items ignored, none of them passes and all others do: the table of groups is large enough."""
    items = [Item(id=f"i{number}") for number in range(2000)]
    who = state([("ignore", f"i{number}", 1.0) for number in range(1000)])
    gate = Gate(View(overlaid(items)), who, [], SETTINGS.showing, NOW.timestamp())
    assert gate.judge(np.arange(2000)).tolist() == [2] * 1000 + [0] * 1000


def test_a_claim_holds_back_for_the_floor() -> None:
    """What a browser says was bought is held back as just bought, until the floor is over; others are not."""
    claim = Purchase(item_id="a", price=1.0, claim=True)
    who = fold_state(b"", records.encode(claim, "c", NOW - timedelta(days=3)), 60.0)
    view = View(overlaid([Item(id="a"), Item(id="b"), Item(id="c", item_group_id="a-like"), Item(id="d")]))
    for days, expected in ((0, [3, 0]), (10.9, [3, 0]), (11.1, [0, 0])):
        gate = Gate(view, who, [], SETTINGS.showing, NOW.timestamp() + days * 86_400)
        assert gate.judge(np.array([0, 1])).tolist() == expected


@pytest.mark.parametrize(("least", "expected"), [(0.1, 0), (0.105, 4), (0.0, 0), (1.0, 4)])
def test_what_few_buy_again_is_held(model: Model, least: float, expected: int) -> None:
    """Of nine buyers and one more that is assumed, one came again: a tenth, and what is below the least is held."""
    nine, one = np.full_like(model.snapshot.customers, 9), np.full_like(model.snapshot.repeats, 1)
    view = View(overlaid(catalogue_items()), replace(model.snapshot, customers=nine, repeats=one))
    showing = Showing(floor_days=14, again_share=least)
    gate = Gate(view, state([("purchase", "tea-0", 40.0)]), [], showing, NOW.timestamp())
    row = view.catalogue.row(item_hash("tea-0"))
    assert gate.judge(np.array([row])).tolist() == [expected]


def test_own_checks_come_after_those_of_the_request() -> None:
    """A placement adds to verdicts, excluded before filter, and changes none; the request's stay as they were."""
    view = View(overlaid([Item(id=f"i{number}", price=float(number)) for number in range(5)]))
    own = OwnChecks(view.catalogue, ["i0", "i1", "unheard-of"], compile_filter({"price": {"lt": 3}}))
    before = np.array([6, 0, 0, 0, 1], np.uint8)
    assert own.judge(np.arange(5), before).tolist() == [6, 7, 0, 8, 1]
    assert before.tolist() == [6, 0, 0, 0, 1]
    assert (bool(own), bool(OwnChecks(view.catalogue, [], compile_filter({})))) == (True, False)


def test_what_is_left_out_is_counted_by_name() -> None:
    """Each verdict is one candidate left out by its check; what passes is not told."""
    told = left_out([np.array([0, 1, 1, 8], np.uint8), np.array([3, 0], np.uint8)])
    assert told == {"unavailable": 2, "just_bought": 1, "filter": 1}


def test_page_is_cart_and_item() -> None:
    """On the page are the items of the cart and the one that is looked at."""
    assert on_page(Context(item="a", cart=["b", "c"])) == ["b", "c", "a"]
    assert on_page(Context()) == []
