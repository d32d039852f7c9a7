"""Pool and ranking: lists cut from sources' blocks are those of its twin."""

import gc
import weakref
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.blocks import Block, giving
from tests.unit.serving.planted import NOW, SETTINGS, overlaid
from tests.unit.serving.twin import Lists, Wanted

from etappe.catalog.filters import compile_filter
from etappe.catalog.item import Item
from etappe.serving import ranking
from etappe.serving.gate import Gate, OwnChecks
from etappe.serving.pool import Pool
from etappe.serving.ranking import Page
from etappe.serving.request import Context
from etappe.serving.situation import situation
from etappe.serving.sources import order
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import Source, Words
from etappe.serving.viewing.view import View

CATEGORIES = (None, "a", "b")
GROUPS = (None, None, "g", "h")


class Placed(NamedTuple):
    """One placement, and its own checks."""

    wanted: Wanted
    exclude: list[str]
    category: str | None


class Case(NamedTuple):
    """A shop, what sources give in blocks of rows, how many of them give in turn, what is on the page, and lists."""

    items: list[Item]
    sources: list[list[list[int]]]
    in_turn: int
    page: list[str]
    placed: list[Placed]


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 14))
    items = [
        Item(
            id=f"i{number}",
            category=draw(st.sampled_from(CATEGORIES)),
            item_group_id=draw(st.sampled_from(GROUPS)),
            available=draw(st.sampled_from([True, True, True, False])),
        )
        for number in range(count)
    ]
    blocks = st.lists(st.lists(st.integers(0, count - 1), min_size=1, max_size=4), max_size=5)
    sources = draw(st.lists(blocks, min_size=1, max_size=5))
    ids = st.sampled_from([item.id for item in items])
    placed = st.builds(
        Placed,
        wanted=st.builds(Wanted, limit=st.integers(1, 8), cap=st.none() | st.integers(1, 3)),
        exclude=st.lists(ids, max_size=3),
        category=st.sampled_from([None, None, "a"]),
    )
    return Case(
        items,
        sources,
        draw(st.integers(0, len(sources))),
        draw(st.lists(ids, max_size=2)),
        draw(st.lists(placed, min_size=1, max_size=4)),
    )


def _asked(case: Case) -> tuple[Pool, View]:
    view = View(overlaid(case.items))
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    sources = [_source(number, blocks) for number, blocks in enumerate(case.sources)]
    gate = Gate(view, None, case.page, SETTINGS.showing, NOW.timestamp())
    return Pool(here, gate, Asked(tuple(sources[: case.in_turn]), tuple(sources[case.in_turn :]))), view


def _source(number: int, blocks: list[list[int]]) -> Source:
    told = [Block(np.array(rows), np.linspace(1.0, 0.5, len(rows))) for rows in blocks]
    return Source(name=f"s{number}", family="f", words=Words(kind="k"), ask=giving(told))


def _forbids(case: Case, twin: Lists, placed: Placed, item_id: str) -> str | None:
    """The first check that forbids an item, by the words of the contract."""
    item = twin.items[item_id]
    if not item.available:
        return "unavailable"
    if twin.group(item_id) in {twin.group(other) for other in case.page}:
        return "on_this_page"
    if item_id in placed.exclude:
        return "excluded"
    return "filter" if placed.category and item.category != placed.category else None


@settings(max_examples=500, deadline=None)
@given(case=_cases())
def test_lists_equal_those_of_the_twin(case: Case) -> None:
    """Over random sources and placements: the same items from the same sources in order, and the same left out."""
    blocks = [[[(f"i{row}", 1.0) for row in block] for block in source] for source in case.sources]
    twin = Lists(case.items, blocks[: case.in_turn], blocks[case.in_turn :])
    pool, view = _asked(case)
    page = Page()
    for placed in case.placed:
        filtered = compile_filter({"category": placed.category} if placed.category else None)
        own = OwnChecks(view.catalogue, placed.exclude, filtered)
        found = ranking.rank(pool, own, page, placed.wanted.limit, placed.wanted.cap, explain=True)
        expected = twin.filled(placed.wanted, partial(_forbids, case, twin, placed))
        picked = zip(found.picks.source.tolist(), found.picks.rows.tolist(), strict=True)
        assert [(source, item) for source, item, _ in expected] == [(source, f"i{row}") for source, row in picked]
        assert twin.left_out == found.left_out


@pytest.mark.parametrize("limit", [1, 400])
def test_each_source_is_asked_once(limit: int) -> None:
    """Four placements ask a source once, and take no more of its blocks than the longest list needs."""
    items = [Item(id=f"i{number}") for number in range(600)]
    taken: list[int] = []

    def told() -> Iterator[Block]:
        for start in range(0, len(items), 100):
            taken.append(start)
            yield Block(np.arange(start, start + 100), np.ones(100))

    view = View(overlaid(items))
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    source = Source(name="s", family="f", words=Words(kind="k"), ask=giving(told()))
    pool = Pool(here, Gate(view, None, [], SETTINGS.showing, NOW.timestamp()), Asked((source,)))
    lists = [ranking.rank(pool, OwnChecks(view.catalogue, [], compile_filter({})), Page(), limit) for _ in range(4)]
    assert [len(one.picks.rows) for one in lists] == [limit] * 4
    assert taken == list(range(0, limit, 100))


def test_a_pool_is_gone_with_its_last_reader() -> None:
    """Sources that wait to be asked on do not keep the pool: nobody has to look for circles to free its memory."""
    view = View(overlaid([Item(id=f"i{number}") for number in range(600)]))
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    pool = Pool(here, Gate(view, None, [], SETTINGS.showing, NOW.timestamp()), order.asked(here))
    freed = weakref.ref(pool)
    gc.disable()
    try:
        del pool
        assert freed() is None
    finally:
        gc.enable()


def test_picks_carry_what_the_source_told() -> None:
    """Score, because and count of each pick are those of its candidate, whatever was passed over before it."""
    view = View(overlaid([Item(id="a", available=False), Item(id="b"), Item(id="c")]))
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    block = Block(np.array([0, 2, 1]), np.array([1.0, 0.5, 0.25]), np.array([7, 8, 9]), np.array([70, 80, 90]))
    plain = Block(np.array([2]), np.array([1.0]))
    sources = tuple(
        Source(name=name, family="f", words=Words(kind="k"), ask=giving([block]))
        for name, block in (("plain", plain), ("told", block))
    )
    pool = Pool(here, Gate(view, None, [], SETTINGS.showing, NOW.timestamp()), Asked(sources))
    picks = ranking.rank(pool, OwnChecks(view.catalogue, [], compile_filter({})), Page(), 5).picks
    told = zip(*(column.tolist() for column in picks[1:]), strict=True)
    assert list(told) == [(2, 1.0, -1, -1, 0), (1, 0.25, 9, 90, 1)]


def test_a_filter_that_nothing_passes_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are asked about what a narrow filter lets pass: nobody walks through the catalogue to find nothing."""
    view = View(overlaid([Item(id=f"i{number}", brand="Acme") for number in range(3000)]))
    here = situation(view, None, Context(), NOW.timestamp(), 0.0)
    gate = Gate(view, None, [], SETTINGS.showing, NOW.timestamp())
    judged: list[int] = []
    judge = Gate.judge
    monkeypatch.setattr(Gate, "judge", lambda self, rows: judged.append(len(rows)) or judge(self, rows))
    own = OwnChecks(view.catalogue, [], compile_filter({"brand": "nobody's"}))
    found = ranking.rank(Pool(here, gate, order.asked(here)), own, Page(), 10)
    assert len(found.picks.rows) == 0
    assert sum(judged) <= 256
