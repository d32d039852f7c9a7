"""From a pool to a list: what passes, sources in turn, at most so many of a kind, filled to the limit."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.table import Catalogue
from etappe.serving import filling
from etappe.serving.filling import CANDIDATE, CHOSEN, FILLED, NO_CAP, SEGMENT, SOURCE, Filling
from etappe.serving.gate import OwnChecks, Verdicts, left_out
from etappe.serving.pool import END, NEXT, START, UNASKED, Pool, Screen
from etappe.serving.sources.source import Source
from etappe.serving.viewing.view import Rows


class Picks(NamedTuple):
    """The items of a list in order, and what speaks for each; the arrays are those of `Candidates`.

    `source` uint8 is the place in `sources`, which says the reason too.
    """

    sources: tuple[Source, ...]
    rows: Rows
    scores: NDArray[np.float32]
    because: Rows
    counts: Rows
    source: NDArray[np.uint8]


class Page:
    """The variant groups that are on the page already, by the lists before."""

    def __init__(self) -> None:
        self.groups = np.zeros(0, np.uint64)

    def add(self, catalogue: Catalogue, picks: Picks) -> None:
        """Notes what a list shows."""
        groups = catalogue.gate["group"][picks.rows]
        self.groups = np.concatenate([self.groups, groups]) if len(self.groups) else groups


class Ranked(NamedTuple):
    """A list, and what each check left out on the way to it (told where it was asked for)."""

    picks: Picks
    left_out: dict[str, int]


def rank(
    pool: Pool, own: OwnChecks, page: Page, limit: int, max_per_category: int | None = None, *, explain: bool = False
) -> Ranked:
    """The first `limit` candidates that pass, of different variant groups, at most so many of one category.

    Groups that are on the page already come only where nothing else is left. Where a filter lets few items pass, and
    what sources gave at first is not enough, they are asked about those alone: else a filter that nothing passes would
    lead through the whole catalogue.
    """
    cap = NO_CAP if max_per_category is None else max_per_category
    screen, way = Screen(pool, own), filling.begin(len(pool.sources), limit, page.groups)
    if not _filled(pool, screen, way, cap, follow=not own):
        few = own.few()
        if few is not None:
            pool = pool.narrowed(few)
            screen, way = Screen(pool, own), filling.begin(len(pool.sources), limit, page.groups)
        _filled(pool, screen, way, cap)
    chosen = way.chosen[: way.at[CHOSEN], CANDIDATE]
    picks = Picks(
        pool.sources,
        pool.told.rows[chosen],
        pool.told.scores[chosen],
        pool.told.because[chosen],
        pool.told.counts[chosen],
        way.chosen[: way.at[CHOSEN], SOURCE].astype(np.uint8),
    )
    page.add(pool.here.view.catalogue, picks)
    return Ranked(picks, left_out(_judged(pool, screen, way)) if explain else {})


def _filled(pool: Pool, screen: Screen, way: Filling, cap: int, *, follow: bool = True) -> bool:
    """Fills the list; whether that was done. Where sources are not to be followed, it may not be."""
    while True:
        columns = pool.here.view.catalogue.gate
        chain = pool.segments, pool.heads, screen.judged
        stream = filling.fill(*way, pool.told.rows, screen.verdicts, *chain, columns, pool.in_turn, cap)
        if stream == FILLED or not follow:
            return bool(stream == FILLED)
        screen.follow(stream, int(way.cursors[stream, SEGMENT]))


def _judged(pool: Pool, screen: Screen, way: Filling) -> Iterator[Verdicts]:
    """The verdicts on all segments that were looked into."""
    for stream, last in enumerate(way.cursors[:, SEGMENT].tolist()):
        segment = int(pool.heads[stream])
        while last != UNASKED:
            yield screen.verdicts[pool.segments[segment, START] : pool.segments[segment, END]]
            if segment == last:
                break
            segment = int(pool.segments[segment, NEXT])
