"""Where candidate items come from. All sources share one signature and are composed from a list.

A source gives candidates best first, in blocks, so that a list behind a narrow filter can go on asking.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.models import copurchase, factors, popularity
from etappe.models.confidence import PURCHASE
from etappe.serving.situation import Situation
from etappe.serving.view import DECAYED, Rows

BLOCK: Final = 256


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """A block of candidates: catalogue rows, scores relative to the source's best, and what speaks for each.

    `because` is the model row of the item that brought the candidate (-1: none), `count` the customers (or orders) who
    took both.
    """

    source: str
    reason: str
    rows: Rows
    scores: NDArray[np.float32]
    because: Rows
    counts: Rows


Source = Callable[[Situation], Iterator[Candidates]]


def by_factors(here: Situation) -> Iterator[Candidates]:
    """Items near the customer's factor, which is solved from the history on the spot."""
    snapshot = here.view.snapshot
    if snapshot is None or len(here.history) == 0 or snapshot.factors.shape[1] == 0:
        return
    taste = factors.fold_in(
        snapshot.factors[here.history],
        here.weights,
        snapshot.gram,
        snapshot.parameters.regularisation,
        snapshot.parameters.alpha,
    )
    yield from by_score(here, "factors", "taste", factors.scores(taste, snapshot.factors))


def loudest_in_taste(here: Situation, targets: Rows) -> Rows:
    """int64[t]: for each target (a model row) the model row of the history's item that adds most to its score."""
    snapshot = here.view.snapshot
    if snapshot is None or len(targets) == 0:
        return np.full(len(targets), -1, np.int64)
    shares = factors.contributions(
        snapshot.factors[here.history],
        here.weights,
        snapshot.gram,
        snapshot.parameters.regularisation,
        snapshot.parameters.alpha,
        snapshot.factors[targets],
    )
    loudest: Rows = here.history[np.argmax(shares, axis=1)]
    return loudest


def by_session(here: Situation) -> Iterator[Candidates]:
    """Items bought by the customers who bought what this customer is at just now."""
    if here.view.snapshot is not None:
        found = copurchase.score(here.view.snapshot.also_bought, here.seeds.astype(np.int32), here.seed_weights)
        yield from _copurchased(here, "also_bought", found)


def by_copurchase(here: Situation) -> Iterator[Candidates]:
    """Items bought by the customers who bought what this customer took to before, and what they take to again."""
    snapshot = here.view.snapshot
    if snapshot is not None:
        history = here.history.astype(np.int32)
        found = copurchase.score(snapshot.also_bought, history, here.weights, snapshot.own, snapshot.customers)
        yield from _copurchased(here, "also_bought", found)


def by_cart(here: Situation) -> Iterator[Candidates]:
    """Items bought in the same order as those in the cart."""
    if here.view.snapshot is not None:
        cart = here.cart.astype(np.int32)
        found = copurchase.score(here.view.snapshot.bought_together, cart, np.full(len(cart), PURCHASE))
        yield from _copurchased(here, "bought_together", found)


def by_category(here: Situation) -> Iterator[Candidates]:
    """The most popular items of the categories the customer is in."""
    for code in here.categories:
        yield from ranked(here, "popular_in_category", DECAYED, int(code))


def by_popularity(here: Situation) -> Iterator[Candidates]:
    """The most popular items, and at last all of the catalogue."""
    return ranked(here, "popular", DECAYED)


def ranked(here: Situation, reason: str, measure: str, category: int = -1) -> Iterator[Candidates]:
    """All rows (of one category) by a measure of popularity."""
    rows = here.view.by_popularity(measure, category)
    if len(rows) == 0:
        return
    best = max(float(here.view.measured_at(measure, rows[:1])[0]), 1e-9)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        yield _block("popular", reason, block, here.view.measured_at(measure, block) / best)


def _copurchased(here: Situation, reason: str, found: copurchase.Candidates) -> Iterator[Candidates]:
    rows = here.view.to_rows(found.rows)
    kept = rows >= 0
    if kept.any():
        yield Candidates(
            source="copurchase",
            reason=reason,
            rows=rows[kept],
            scores=(found.scores / found.scores[0])[kept],
            because=found.because[kept].astype(np.int64),
            counts=found.counts[kept].astype(np.int64),
        )


def by_score(here: Situation, source: str, reason: str, scores: NDArray[np.float32]) -> Iterator[Candidates]:
    """All model rows with a score above 0, best first; nearly always the first block is all that is asked for."""
    best = popularity.top(scores, BLOCK)
    yield from _scored(here, source, reason, best, scores)
    if len(best) == BLOCK:
        rest = np.argsort(-scores, kind="stable")[BLOCK:]
        for start in range(0, len(rest), BLOCK):
            yield from _scored(here, source, reason, rest[start : start + BLOCK], scores)


def _scored(
    here: Situation, source: str, reason: str, model_rows: NDArray[np.integer[Any]], scores: NDArray[np.float32]
) -> Iterator[Candidates]:
    rows, found = here.view.to_rows(model_rows), scores[model_rows]
    kept = (rows >= 0) & (found > 0)
    if kept.any():
        yield _block(source, reason, rows[kept], found[kept] / scores.max())


def _block(source: str, reason: str, rows: Rows, scores: NDArray[np.floating[Any]]) -> Candidates:
    none = np.full(len(rows), -1, np.int64)
    return Candidates(
        source=source, reason=reason, rows=rows, scores=scores.astype(np.float32), because=none, counts=none
    )
