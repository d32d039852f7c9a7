"""Factors, titles, filters, variants, repeats: each with one obvious right answer."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.unit.serving.blocks import blocks
from tests.unit.serving.planted import (
    KINDS,
    NOW,
    SETTINGS,
    ask,
    catalogue_items,
    compiled,
    overlaid,
    shown,
    state,
)

from etappe.catalog.item import Item, ItemPatch
from etappe.customers import records
from etappe.customers.state import State
from etappe.errors import InputError, NotFoundError
from etappe.events.vocabulary import Purchase, SetConsent, ViewItem
from etappe.ids import item_hash
from etappe.models import factors
from etappe.models.snapshot import Snapshot
from etappe.serving import lists
from etappe.serving.decide import state_of
from etappe.serving.request import Context, DecideRequest, check
from etappe.serving.situation import situation
from etappe.serving.sources import factors as by_factors
from etappe.serving.viewing.view import View
from etappe.serving.warm import warm_up
from etappe.settings import Consent, Settings, Showing


def _without_times(value: object) -> object:
    made = msgspec.to_builtins(value)
    return {name: part for name, part in made.items() if name not in ("decision", "took_ms")}


def _history() -> State:
    return state([("purchase", "coffee-0", 30.0), ("view_item", "tea-2", 0.01), ("add_to_wishlist", "garden-1", 3.0)])


def test_factor_list_equals_a_full_sort(view: View, snapshot: Snapshot) -> None:
    """Candidates by factors are all items sorted by the scores of the solved factor, positive ones only."""
    who = _history()
    here = situation(view, who, Context(), NOW.timestamp(), 0.0)
    taste = factors.fold_in(
        snapshot.factors[here.history],
        here.weights,
        snapshot.gram,
        snapshot.parameters.regularisation,
        snapshot.parameters.alpha,
    ).vector
    naive = {one.id: float(taste @ snapshot.factors[snapshot.rows_of(_hashes(one.id))[0]]) for one in catalogue_items()}
    expected = sorted((name for name, score in naive.items() if score > 0), key=lambda name: -naive[name])
    found = [view.catalogue.item(int(row)).id for block in blocks(by_factors.ask, here) for row in block.rows]
    assert found == expected
    scores = np.concatenate([block.scores for block in blocks(by_factors.ask, here)])
    np.testing.assert_allclose(scores, [naive[name] / naive[expected[0]] for name in expected], rtol=1e-4)


def _hashes(item: str) -> np.ndarray:
    return np.array([item_hash(item)], np.uint64)


def test_same_arguments_give_the_same_answer(view: View) -> None:
    """Asked twice, everything but decision and took_ms is equal, the digest of the state too."""
    who = _history()
    first, second = (ask(view, who, explain=True, context={"item": "tea-0"}) for _ in range(2))
    assert _without_times(first.answer) == _without_times(second.answer)
    assert first.answer.decision != second.answer.decision
    assert first.decision.state_digest == second.decision.state_digest != ""
    assert first.decision.placements == second.decision.placements


def test_compiled_and_overlaid_catalogues_answer_alike(snapshot: Snapshot, tmp_path: Path) -> None:
    """Whether items were compiled, put one by one in any order, or changed and changed back is all the same."""
    items = catalogue_items()
    views = [
        View(overlaid(items), snapshot),
        View(overlaid(reversed(items)), snapshot),
        View(compiled(items, tmp_path / "whole"), snapshot),
    ]
    mixed = compiled(items[:9], tmp_path / "half")
    for item in items[9:]:
        mixed.apply(ItemPatch.of(item))
    mixed.apply(ItemPatch(id=items[0].id, available=False))
    mixed.apply(ItemPatch(id=items[0].id, available=None))
    views.append(View(mixed, snapshot))
    for who in (None, _history()):
        for request in (
            {},
            {"context": {"cart": ["tea-0"]}},
            {"placements": [{"name": "p", "filter": {"category": "tea"}}]},
        ):
            answers = [_without_times(ask(one, who, **request).answer) for one in views]
            assert answers == [answers[0]] * len(views)
        no_model = [shown(ask(View(one.catalogue), who)) for one in views]
        assert no_model == [no_model[0]] * len(views)


def test_catalogue_changes_count_at_once(view: View) -> None:
    """An item switched off between two requests is gone from the second, one put in its category is there."""
    before = shown(ask(view))
    view.catalogue.apply(ItemPatch(id=before[0], available=False))
    view.catalogue.apply(ItemPatch(id="brand-new", category="novelties", title="New"))
    assert before[0] not in shown(ask(view, placements=[{"name": "p", "limit": 100}]))
    assert shown(ask(view, placements=[{"name": "p", "filter": {"category": "novelties"}}])) == ["brand-new"]


@pytest.mark.parametrize(
    "who",
    [None, "session", "known"],
)
@pytest.mark.parametrize("model", [True, False])
@pytest.mark.parametrize("limit", [1, 7, 18, 100])
def test_lists_are_filled_on_every_path(view: View, who: str | None, model: bool, limit: int) -> None:
    """Stranger, session or known, with a snapshot or without: as long as asked, or all there is."""
    history = {
        None: None,
        "session": state([("view_item", "tea-2", 0.001)]),
        "known": state([("add_to_cart", "coffee-1", 9.0), ("view_item", "garden-3", 9.0)]),
    }[who]
    asked = view if model else View(view.catalogue)
    assert len(set(shown(ask(asked, history, placements=[{"name": "p", "limit": limit}])))) == min(limit, 18)


def test_snapshot_older_than_the_catalogue(snapshot: Snapshot) -> None:
    """A model that has never heard of any item in the shop fills lists all the same, with nobody's numbers."""
    view = View(overlaid([Item(id=f"later-{number}", title="Later") for number in range(5)]), snapshot)
    for who in (None, _history(), state([("view_item", "later-1", 0.001)])):
        items = ask(view, who).answer.placements["p"].items or []
        assert {item.id for item in items} == {f"later-{number}" for number in range(5)}
        assert [item.reason.customers for item in items] == [None] * 5


def test_empty_shop(snapshot: Snapshot) -> None:
    """No items at all: empty lists, no error, on every path."""
    for view in (View(overlaid([])), View(overlaid([]), snapshot)):
        warm_up(view, SETTINGS)
        for who in (None, _history()):
            assert shown(ask(view, who, context={"item": "tea-0", "cart": ["tea-1"]})) == []


def test_variants_fill_one_place(view: View) -> None:
    """Items of one group are one place of a list; with one ignored, none of them is shown."""
    for number in range(1, 6):
        view.catalogue.apply(ItemPatch(id=f"tea-{number}", item_group_id="teas"))
    placements = [{"name": "p", "limit": 100}]
    assert len([name for name in shown(ask(view, placements=placements)) if name in _teas()]) == 1
    assert set(shown(ask(view, state([("ignore", "tea-3", 1.0)]), placements=placements))) & _teas() == set()
    assert set(shown(ask(view, context={"item": "tea-2"}, placements=placements))) & _teas() == set()


def _teas() -> set[str]:
    return {f"tea-{number}" for number in range(1, 6)}


def test_own_floor_beats_the_shops(view: View) -> None:
    """Bought ten days ago: shown again after the shop's floor, earlier or later where the item says so."""
    settings = Settings(showing=Showing(floor_days=14, again_share=0))
    who = state([("purchase", f"coffee-{number}", 10.0) for number in range(3)])
    view.catalogue.apply(ItemPatch(id="coffee-1", floor_days=5))
    view.catalogue.apply(ItemPatch(id="coffee-2", floor_days=60))
    placements = [{"name": "p", "limit": 100}]
    on_day = {
        day: set(shown(ask(view, who, settings=settings, days=day, placements=placements))) & {
            "coffee-0",
            "coffee-1",
            "coffee-2",
        }
        for day in (0.0, 3.99, 4.0, 49.0, 50.0)
    }  # fmt: skip
    assert on_day == {
        0.0: {"coffee-1"},
        3.99: {"coffee-1"},
        4.0: {"coffee-0", "coffee-1"},
        49.0: {"coffee-0", "coffee-1"},
        50.0: {"coffee-0", "coffee-1", "coffee-2"},
    }


def test_category_bought_once_is_closed(view: View) -> None:
    """After one purchase in "tea", however long ago, nothing of it or below is shown; others' purchases close nothing."""
    settings = Settings(showing=Showing(bought_once=("tea",), floor_days=0, again_share=0))
    placements = [{"name": "p", "limit": 100}]
    buyer, other = (
        state([("purchase", "tea-1", 300.0)]),
        state([("purchase", "coffee-1", 300.0), ("view_item", "tea-1", 1)]),
    )
    assert {name.split("-")[0] for name in shown(ask(view, buyer, settings=settings, placements=placements))} == {
        "coffee",
        "garden",
    }
    assert len(shown(ask(view, other, settings=settings, placements=placements))) == 18


def test_at_most_so_many_of_a_category(view: View) -> None:
    """`max_per_category` holds on every path, and the list is as long as it allows."""
    for who in (None, _history()):
        items = (
            ask(view, who, placements=[{"name": "p", "limit": 100, "max_per_category": 2}]).answer.placements["p"].items
        )
        categories = [item.category for item in items or []]
        assert {categories.count(one) for one in categories} == {2}
        assert len(set(categories)) == 6


def test_later_placement_repeats_only_in_need(view: View) -> None:
    """Two lists of ten from eighteen items share the two that are needed to fill the second, at its end."""
    placements = [{"name": "a", "limit": 10}, {"name": "b", "limit": 10}, {"name": "c", "limit": 3}]
    made = ask(view, _history(), placements=placements)
    first, second = shown(made, "a"), shown(made, "b")
    shared = set(first) & set(second)
    assert len(shared) == len(first) + len(second) - len(set(first) | set(second))
    assert set(second[-len(shared) :]) == shared
    assert len(shown(made, "c")) == 3


def test_title_by_locale(view: View) -> None:
    """The most particular language there is, else the item's own title, else its id."""
    view.catalogue.apply(ItemPatch(id="tea-0", titles={"de": "Tee", "de-CH": "Tee (CH)"}, title="Tea"))
    view.catalogue.apply(ItemPatch(id="tea-1", titles=None, title=None))
    wanted = [{"name": "p", "filter": {"id": ["tea-0", "tea-1"]}}]
    titles = {
        locale: {
            item.id: item.title
            for item in ask(view, locale=locale, placements=wanted).answer.placements["p"].items or []
        }
        for locale in ("de-CH", "de_AT", "de", "fr-FR", None)
    }
    expected = {"de-CH": "Tee (CH)", "de_AT": "Tee", "de": "Tee", "fr-FR": "Tea", None: "Tea"}
    assert titles == {locale: {"tea-0": title, "tea-1": "tea-1"} for locale, title in expected.items()}


def _consent(*said: bool) -> bytes:
    return b"".join(
        records.encode(SetConsent(properties={"personalisation": one}), f"c{place}", NOW)
        for place, one in enumerate(said)
    )


def test_unconsented_customer_gets_the_strangers_answer(view: View) -> None:
    """Denied, or unknown where that denies: the same answer as for nobody, in every field; granted again is known again."""
    deny = Settings(consent=Consent(unknown="deny"))
    history = b"".join(records.encode(event, str(n), NOW) for n, event in enumerate(_events()))
    stranger = _without_times(ask(view, None, explain=True).answer)
    for tail, settings in (
        (history + _consent(False), SETTINGS),
        (_consent(True, False) + history, SETTINGS),
        (history, deny),
    ):
        assert state_of(b"", tail, settings) is None
        assert (
            _without_times(ask(view, state_of(b"", tail, settings), settings=settings, explain=True).answer) == stranger
        )
    for tail, settings in ((history, SETTINGS), (history + _consent(False, True), deny)):
        known = state_of(b"", tail, settings)
        assert known is not None
        assert ask(view, known, settings=settings).answer.customer.known is True


def _events() -> list[object]:

    return [Purchase(item_id="coffee-0", price=1.0), ViewItem(item_id="tea-1")]


def test_no_record_is_a_stranger() -> None:
    """Nothing known is no state, not an empty one."""
    assert state_of(b"", b"", SETTINGS) is None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"colour": "red"}, "placements.p.filter.colour"),
        ({"attributes.": 1}, "placements.p.filter.attributes."),
        ({"price": "cheap"}, "placements.p.filter.price"),
        ({"price": {"lt": True}}, "placements.p.filter.price"),
        ({"price": {"beneath": 3}}, "placements.p.filter.price"),
        ({"category": {"gt": "a"}}, "placements.p.filter.category"),
        ({"category": 7}, "placements.p.filter.category"),
        ({"brand": {"in": "Alma"}}, "placements.p.filter.brand"),
        ({"brand": {}}, "placements.p.filter.brand"),
    ],
)
def test_filter_that_makes_no_sense(view: View, wanted: dict[str, object], field: str) -> None:
    """An unknown field or comparison, or a value of the wrong type, is an error that names its place."""
    with pytest.raises(InputError) as raised:
        ask(view, placements=[{"name": "p", "filter": wanted}])
    assert str(raised.value.field).startswith(field)
    assert field in str(raised.value)


def test_filters_are_obeyed(view: View) -> None:
    """By category and below, by price, by id, all at once."""
    again = Settings(showing=Showing(again_share=0))
    for wanted, expected in (
        ({"category": "tea"}, 6),
        ({"category": "tea/fine"}, 3),
        ({"price": {"lt": 3}}, 6),
        ({"price": {"gte": 3, "lt": 5}, "category": ["tea", "coffee"]}, 4),
        ({"id": ["tea-1", "no-such"]}, 1),
        ({"category": "te"}, 0),
    ):
        for who in (None, _history()):
            placements = [{"name": "p", "limit": 100, "filter": wanted}]
            assert len(shown(ask(view, who, settings=again, placements=placements))) == expected


@pytest.mark.parametrize("kind", lists.KINDS)
def test_related_needs_item_and_kind(view: View, kind: str) -> None:
    """An item nobody sells is not found; one no model knows has nothing related; a kind that is none is named."""
    with pytest.raises(NotFoundError, match="no-such"):
        lists.related(view, "no-such", kind, 5, None, SETTINGS, NOW.timestamp())
    view.catalogue.apply(ItemPatch(id="fresh"))
    assert lists.related(view, "fresh", kind, 5, None, SETTINGS, NOW.timestamp()).items == []
    untrained = lists.related(View(view.catalogue), "tea-0", kind, 5, None, SETTINGS, NOW.timestamp()).items
    assert {item.id for item in untrained} == ({"tea-2", "tea-4"} if kind == "similar" else set())
    with pytest.raises(InputError, match="also_bought, wishlist_bought, similar, bought_together"):
        lists.related(view, "tea-0", "opposite", 5, None, SETTINGS, NOW.timestamp())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["also_bought", "bought_together", "similar"])
def test_related_is_of_the_kind(view: View, kind: str, how: str) -> None:
    """What goes with an item is first of all of its kind."""
    found = lists.related(view, f"{kind}-1", how, 3, None, SETTINGS, NOW.timestamp()).items
    assert {item.id.split("-")[0] for item in found} == {kind}


def test_what_is_new_is_like_its_category(view: View) -> None:
    """Of an item that nobody took to yet those of its category are similar, its brand first, then those near its price.

    The reason says no more than what holds of each: neither brand nor price of the last two are its own.
    """
    for number, (brand, price) in enumerate([("Acme", 10.0), ("Acme", 30.0), ("Other", 11.0), (None, 900.0)]):
        patch = ItemPatch(id=f"lamp-{number}", category="lamps", price=price)
        view.catalogue.apply(patch if brand is None else msgspec.structs.replace(patch, brand=brand))
    view.catalogue.apply(ItemPatch(id="sofa", category="sofas", price=10.0, brand="Acme"))
    found = lists.related(view, "lamp-0", "similar", 5, None, SETTINGS, NOW.timestamp()).items
    assert [item.id for item in found] == ["lamp-1", "lamp-2", "lamp-3"]
    assert {item.reason.text for item in found} == {"From the same category"}


def test_nothing_is_called_popular_that_nobody_bought(view: View) -> None:
    """New items come last where popular ones are asked for, and are said to be of the range, as all are before training."""
    view.catalogue.apply(ItemPatch(id="fresh", category="tea"))
    found = lists.popular(view, None, None, 50, None, SETTINGS, NOW.timestamp()).items
    assert [item.id for item in found if item.reason.kind == "assortment"] == ["fresh"] == [found[-1].id]
    for window in (None, "customers", "1d", "90d"):
        listed = lists.popular(View(view.catalogue), None, window, 5, None, SETTINGS, NOW.timestamp()).items
        assert {(item.reason.kind, item.reason.text) for item in listed} == {("assortment", "From our range")}
        assert len(listed) == 5


def test_what_nobody_bought_is_said_to_be_of_the_range(view: View) -> None:
    """Where a list goes on to what nobody bought, the reason does not call it popular."""
    view.catalogue.apply(ItemPatch(id="fresh", category="tea/fine"))
    view.catalogue.apply(ItemPatch(id="plain", category="else"))
    made = ask(view, None, context={"item": "tea-0"}, placements=[{"name": "p", "limit": 50}])
    told = {item.id: item.reason for item in made.answer.placements["p"].items or []}
    assert (told["fresh"].kind, told["fresh"].text) == ("in_category", "From the same category")
    assert (told["plain"].kind, told["plain"].text) == ("assortment", "From our range")
    assert told["coffee-0"].kind == "popular"


def test_popular_windows(view: View) -> None:
    """A window the snapshot has is taken, any other refused with those there are; purchases before it do not count."""
    week = lists.popular(view, None, "7d", 18, None, SETTINGS, NOW.timestamp()).items
    assert [item.score for item in week if item.score > 0] == []
    month = lists.popular(view, None, "30d", 3, None, SETTINGS, NOW.timestamp()).items
    assert {item.id for item in month} == {f"{kind}-0" for kind in KINDS}
    with pytest.raises(InputError, match="1d, 7d, 30d, 90d"):
        lists.popular(view, None, "2d", 3, None, SETTINGS, NOW.timestamp())


def test_two_placements_of_one_name() -> None:
    """Names of placements are unique, since answers are found by them."""
    with pytest.raises(InputError, match="'p' is asked for twice"):
        check(msgspec.convert({"placements": [{"name": "p"}, {"name": "q"}, {"name": "p"}]}, DecideRequest))


def test_excluded_page_and_cart(view: View) -> None:
    """What is excluded, on the page or in the cart is in no list."""
    gone = {"tea-0", "coffee-0", "garden-0", "garden-1"}
    context = {"item": "coffee-0", "cart": ["garden-0", "garden-1"]}
    made = ask(view, context=context, placements=[{"name": "p", "limit": 100, "exclude": ["tea-0", "no-such"]}])
    assert set(shown(made)) == {item.id for item in catalogue_items()} - gone


def test_content_is_answered_empty(view: View) -> None:
    """A placement for content is there, and takes no items."""
    made = ask(view, placements=[{"name": "c", "kind": "content"}, {"name": "p"}])
    assert made.answer.placements["c"].content == []
    assert made.answer.placements["c"].items is None
    assert list(made.decision.lists) == ["p"]


def test_bought_is_shown_again_where_people_buy_again(view: View) -> None:
    """After the floor, what half of its buyers ordered twice is shown to its buyer again, and what none did is not."""
    who = state([("purchase", "coffee-0", 30.0), ("purchase", "tea-0", 30.0)])
    names = shown(ask(view, who, placements=[{"name": "p", "limit": 100}]))
    assert ("coffee-0" in names, "tea-0" in names) == (True, False)
