"""Each source reads its own part of the snapshot, and goes on giving while it is asked."""

import dataclasses
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from msgspec.structs import replace
from tests.unit.models.named import named
from tests.unit.serving.blocks import Block, blocks, giving
from tests.unit.serving.planted import NOW, SETTINGS, Model, catalogue_items, overlaid, state

from etappe.catalog.item import Item
from etappe.ids import item_hash
from etappe.models.copurchase import Neighbours
from etappe.serving.gate import Gate
from etappe.serving.pool import NO_MORE, UNASKED, Pool
from etappe.serving.request import Context
from etappe.serving.situation import Situation, situation
from etappe.serving.sources import cart, factors, order, session
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import BLOCK, Ask, Source, Words
from etappe.serving.viewing.view import View


def _here(model: Model, who: object = None, **context: object) -> Situation:
    view = View(overlaid(catalogue_items()), model.snapshot)
    return situation(view, who, Context(**context), NOW.timestamp(), 1800.0)


def _rows(here: Situation, ask: Ask) -> list[int]:
    return [row for block in blocks(ask, here) for row in block.rows.tolist()]


def _scored(here: Situation, ask: Ask) -> list[tuple[int, float]]:
    given = blocks(ask, here)
    return [pair for block in given for pair in zip(block.rows.tolist(), block.scores.tolist(), strict=True)]


def _expected(here: Situation, lists: Neighbours, rows: np.ndarray, weights: np.ndarray) -> list[int]:
    return here.view.to_rows(named(lists, rows, weights).rows).tolist()


def test_cart_and_session_read_their_own_lists(model: Model) -> None:
    """The cart asks what was in the same orders, the session what the same customers bought; the two differ."""
    here = _here(model, cart=["coffee-0", "tea-0"])
    together, also = model.snapshot.bought_together, model.snapshot.also_bought
    from_cart = _expected(here, together, here.cart, np.full(2, 5.0))
    from_session = _expected(here, also, here.seeds, here.seed_weights)
    assert from_cart != from_session
    assert (from_cart, from_session) == (_rows(here, cart.ask), _rows(here, session.ask))


def test_only_what_speaks_is_asked(model: Model) -> None:
    """By what of a situation each source speaks: cart, session and history, and always category and popularity."""

    def names(here: Situation) -> list[str]:
        return [source.name for source in order.asked(here).all]

    known = state([("purchase", "tea-0", 30.0)])
    assert names(_here(model)) == ["category", "popularity"]
    assert names(_here(model, item="tea-0")) == ["session", "category", "popularity"]
    assert names(_here(model, cart=["tea-0"])) == ["cart", "session", "category", "popularity"]
    assert names(_here(model, known)) == ["factors", "copurchase", "category", "popularity"]
    assert names(_here(model, known, cart=["tea-0"])) == [
        "cart", "session", "factors", "copurchase", "category", "popularity",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def large() -> Situation:
    """A stranger in a shop of three blocks of items and some more."""
    items = [Item(id=f"i{number}", category="all") for number in range(3 * BLOCK + 7)]
    return situation(View(overlaid(items)), None, Context(item="i0"), NOW.timestamp(), 0.0)


@pytest.mark.parametrize("source", order.FALLBACKS)
def test_fallbacks_give_all_there_is(large: Situation, source: object) -> None:
    """In blocks, each item once, in the order of popularity."""
    given = [block.rows.tolist() for block in blocks(source.ask, large)]
    assert [len(block) for block in given] == [BLOCK, BLOCK, BLOCK, 7]
    assert [row for block in given for row in block] == large.view.by_popularity().tolist()


@pytest.mark.parametrize("first", [1, 5, BLOCK - 1, BLOCK, 2 * BLOCK, None])
@pytest.mark.parametrize("source", order.FALLBACKS)
def test_first_ones_are_the_same(large: Situation, source: object, first: int | None) -> None:
    """However few a source gives at first, it gives the same in the end, and says so of its last block alone."""
    given = blocks(source.ask, replace(large, first=first))
    assert len(given[0].rows) == min(4 * (first or BLOCK), BLOCK)
    assert [row for block in given for row in block.rows.tolist()] == large.view.by_popularity().tolist()
    assert np.concatenate([block.scores for block in given]).max() <= 1.0
    assert [block.last for block in given] == [False] * (len(given) - 1) + [True]


def _naming(model: Model, count: int, lacking: int) -> tuple[Situation, list[int]]:
    """A shop whose first model row names `count` others, of which the catalogue lacks every `lacking`-th.

    With it the model rows that are named, best first.
    """
    items = sorted((item_hash(f"i{number}"), f"i{number}") for number in range(count + 1))
    scores = np.sort(np.random.default_rng(count).permutation(count).astype(np.float32) + 1.0)[::-1]
    named = np.random.default_rng(count).permutation(count).astype(np.int32) + 1
    lists = [np.full((count + 1, count), fill, kind) for fill, kind in ((-1, np.int32), (0, np.float32), (0, np.int32))]
    for values, told in zip(lists, (named, scores, named * 10), strict=True):
        values[0] = told
    plain = np.ones(count + 1, np.float32)
    snapshot = dataclasses.replace(
        model.snapshot, items=np.array([one for one, _ in items]), also_bought=Neighbours(*lists), popularity=plain
    )
    view = View(overlaid(Item(id=name) for row, (_, name) in enumerate(items) if row % lacking), snapshot)
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    seeds = {"seeds": np.zeros(1, np.int64), "seed_weights": np.full(1, 5.0)}
    return replace(here, **seeds), [row for row in named.tolist() if row % lacking]


@pytest.mark.parametrize("lacking", [4, 10_000])
@pytest.mark.parametrize("first", [1, 5, BLOCK - 1, BLOCK, None])
@pytest.mark.parametrize("count", [4, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_neighbours_come_in_order(model: Model, count: int, first: int | None, lacking: int) -> None:
    """However few come at first, all come in one order without those that the catalogue lacks; the last says so."""
    here, named = _naming(model, count, lacking)
    given = blocks(session.ask, replace(here, first=first))
    if lacking > count:
        assert len(given[0].rows) == min(first or BLOCK, BLOCK, count)
    rows = np.concatenate([block.rows for block in given])
    assert here.view.to_model_rows(rows).tolist() == named
    assert np.concatenate([block.counts for block in given]).tolist() == [10 * row for row in named]
    assert {*np.concatenate([block.because for block in given]).tolist()} == {0}
    scores = np.concatenate([block.scores for block in given])
    assert (np.diff(scores) < 0).all()
    assert scores[-1] >= 1 / count - 1e-6
    assert [block.last for block in given] == [False] * (len(given) - 1) + [True]


@pytest.mark.parametrize("first", [1, 3, 8, None])
def test_first_scores_are_the_same(model: Model, first: int | None) -> None:
    """All that scores above 0 comes in one order, however little comes at first."""
    whole = _here(model)
    scores = np.linspace(-1.0, 1.0, len(model.snapshot.items)).astype(np.float32)
    ask = partial(factors.by_score, scores=scores)
    given = blocks(ask, replace(whole, first=first))
    (plain,) = blocks(ask, whole)
    assert np.concatenate([block.rows for block in given]).tolist() == plain.rows.tolist()
    assert np.concatenate([block.scores for block in given]).tolist() == plain.scores.tolist()
    assert [block.last for block in given] == [False] * (len(given) - 1) + [True]


def test_who_said_that_it_ends_is_not_asked_again(model: Model) -> None:
    """A block that says that nothing comes behind it is the end of its source."""
    here = _here(model)
    asked = []

    def told() -> Iterator[Block]:
        yield Block(np.zeros(1, np.int64), np.ones(1), last=True)
        asked.append("again")

    source = Source(name="one", family="one", words=Words(kind="one"), ask=giving(told()))
    pool = Pool(here, Gate(here.view, None, [], SETTINGS.showing, here.now), Asked((source,)))
    assert pool.follow(0, pool.follow(0, UNASKED)) == NO_MORE
    assert asked == []


@pytest.mark.parametrize("block", [1, 2, 4, BLOCK])
def test_scores_go_on_after_a_block(model: Model, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """All that scores above 0 is given, best first, once; a catalogue that lacks items gives the others."""
    monkeypatch.setattr(factors, "BLOCK", block)
    items = [item for item in catalogue_items() if not item.id.startswith("tea")]
    view = View(overlaid(items), model.snapshot)
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    scores = np.linspace(-1.0, 1.0, len(model.snapshot.items)).astype(np.float32)
    rows = _rows(here, partial(factors.by_score, scores=scores))
    above = [row for row in view.to_rows(np.argsort(-scores)[: np.count_nonzero(scores > 0)]).tolist() if row >= 0]
    assert rows == above


@pytest.mark.parametrize("source", ["factors", "category", "popularity"])
def test_few_rows_come_in_the_order_of_all(model: Model, source: str) -> None:
    """A source that need not look beyond a few rows gives those of them that it has, in order and with their scores."""
    here = _here(model, state([("purchase", "tea-0", 30.0)]), item="coffee-0")
    ask = next(one.ask for one in (*order.IN_TURN, *order.FALLBACKS) if one.name == source)
    scores = dict(_scored(here, ask))
    few = np.arange(0, len(here.view.catalogue), 4)
    within = here.narrowed(few)
    found = _scored(within, ask)
    assert 0 < len(found) < len(scores)
    assert [(row, pytest.approx(score)) for row, score in scores.items() if row % 4 == 0] == found
