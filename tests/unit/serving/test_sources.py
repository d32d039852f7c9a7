"""Each source reads its own part of the snapshot, and goes on giving while it is asked."""

from collections.abc import Iterator

import numpy as np
import pytest
from msgspec.structs import replace
from tests.unit.serving.planted import NOW, SETTINGS, Model, catalogue_items, overlaid, state

from etappe.catalog.item import Item
from etappe.models.copurchase import Candidates, Neighbours, score
from etappe.serving.gate import Gate
from etappe.serving.pool import NO_MORE, UNASKED, Pool
from etappe.serving.request import Context
from etappe.serving.situation import Situation, situation
from etappe.serving.sources import cart, factors, neighbours, order, session
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import BLOCK, Ask, Block, Source, Words
from etappe.serving.viewing.view import View


def _here(model: Model, who: object = None, **context: object) -> Situation:
    view = View(overlaid(catalogue_items()), model.snapshot)
    return situation(view, who, Context(**context), NOW.timestamp(), 1800.0)


def _rows(here: Situation, ask: Ask) -> list[int]:
    return [row for block in ask(here) for row in block.rows.tolist()]


def _expected(here: Situation, lists: Neighbours, rows: np.ndarray, weights: np.ndarray) -> list[int]:
    return here.view.to_rows(score(lists, rows, weights).ordered().rows).tolist()


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
    blocks = [block.rows.tolist() for block in source.ask(large)]
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, BLOCK, 7]
    assert [row for block in blocks for row in block] == large.view.by_popularity().tolist()


def test_neighbours_go_on_after_a_block(model: Model) -> None:
    """More candidates than a block come in order, without those that the catalogue lacks, as scores of the best."""
    here = _here(model)
    count = 2 * BLOCK + 3
    known = len(model.snapshot.items)
    scores = np.random.default_rng(1).permutation(count).astype(np.float64) + 1.0
    found = Candidates(np.arange(count, dtype=np.int32) % known, scores, np.arange(count), np.arange(count))
    blocks = list(neighbours.blocks(here, found))
    assert [len(block.rows) for block in blocks] == [BLOCK, BLOCK, 3]
    told = np.concatenate([block.scores for block in blocks])
    assert told.tolist() == pytest.approx((np.sort(scores)[::-1] / count).tolist())
    assert np.concatenate([block.because for block in blocks]).tolist() == np.argsort(-scores).tolist()


@pytest.mark.parametrize("first", [1, 5, BLOCK - 1, BLOCK, 2 * BLOCK, None])
@pytest.mark.parametrize("source", order.FALLBACKS)
def test_first_ones_are_the_same(large: Situation, source: object, first: int | None) -> None:
    """However few a source gives at first, it gives the same in the end, and says so of its last block alone."""
    here = replace(large, first=first)
    blocks = list(source.ask(here))
    assert len(blocks[0].rows) == min(first or BLOCK, BLOCK)
    assert [row for block in blocks for row in block.rows.tolist()] == large.view.by_popularity().tolist()
    assert np.concatenate([block.scores for block in blocks]).max() <= 1.0
    assert [block.last for block in blocks] == [False] * (len(blocks) - 1) + [True]


@pytest.mark.parametrize("first", [1, 5, BLOCK - 1, BLOCK, None])
@pytest.mark.parametrize("count", [4, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_first_neighbours_are_the_same(model: Model, count: int, first: int | None) -> None:
    """Neighbours and scores come in one order, however few come at first; only what is last says so."""
    here = replace(_here(model), first=first)
    known = len(model.snapshot.items)
    scores = np.random.default_rng(count).permutation(count).astype(np.float64) + 1.0
    found = Candidates(np.arange(count, dtype=np.int32) % known, scores, np.arange(count), np.arange(count))
    blocks = list(neighbours.blocks(here, found))
    assert len(blocks[0].rows) == min(first or BLOCK, BLOCK, count)
    assert np.concatenate([block.because for block in blocks]).tolist() == np.argsort(-scores).tolist()
    assert not any(block.last for block in blocks[:-1])


@pytest.mark.parametrize("first", [1, 3, 8, None])
def test_first_scores_are_the_same(model: Model, first: int | None) -> None:
    """All that scores above 0 comes in one order, however little comes at first."""
    whole = _here(model)
    scores = np.linspace(-1.0, 1.0, len(model.snapshot.items)).astype(np.float32)
    blocks = list(factors.by_score(replace(whole, first=first), scores))
    (plain,) = factors.by_score(whole, scores)
    assert np.concatenate([block.rows for block in blocks]).tolist() == plain.rows.tolist()
    assert np.concatenate([block.scores for block in blocks]).tolist() == plain.scores.tolist()


def test_who_said_that_it_ends_is_not_asked_again(model: Model) -> None:
    """A block that says that nothing comes behind it is the end of its source."""
    here = _here(model)
    asked = []

    def ask(_: Situation) -> Iterator[Block]:
        yield Block(np.zeros(1, np.int64), np.ones(1), last=True)
        asked.append("again")

    source = Source(name="one", family="one", words=Words(kind="one"), ask=ask)
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
    rows = np.concatenate([block.rows for block in factors.by_score(here, scores)]).tolist()
    above = [row for row in view.to_rows(np.argsort(-scores)[: np.count_nonzero(scores > 0)]).tolist() if row >= 0]
    assert rows == above


@pytest.mark.parametrize("source", ["factors", "category", "popularity"])
def test_few_rows_come_in_the_order_of_all(model: Model, source: str) -> None:
    """A source that need not look beyond a few rows gives those of them that it has, in order and with their scores."""
    here = _here(model, state([("purchase", "tea-0", 30.0)]), item="coffee-0")
    ask = next(one.ask for one in (*order.IN_TURN, *order.FALLBACKS) if one.name == source)
    scores = {row: score for block in ask(here) for row, score in zip(block.rows.tolist(), block.scores, strict=True)}
    few = np.arange(0, len(here.view.catalogue), 4)
    within = here.narrowed(few)
    found = [
        (row, score) for block in ask(within) for row, score in zip(block.rows.tolist(), block.scores, strict=True)
    ]
    assert 0 < len(found) < len(scores)
    assert [(row, pytest.approx(score)) for row, score in scores.items() if row % 4 == 0] == found
