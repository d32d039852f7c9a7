"""Items near the customer's factor, which is solved from the history on the spot. The only scan of the catalogue."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.models import factors, popularity
from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Block, Pair, Source, Words
from etappe.serving.viewing.view import Rows


def ask(here: Situation) -> Iterator[Block]:
    """All items that the customer's factor scores above 0."""
    if here.affinities is not None:
        yield from by_score(here, here.affinities)


def by_score(here: Situation, scores: NDArray[np.float32]) -> Iterator[Block]:
    """All model rows with a score above 0, best first; nearly always the first ones are all that is asked for."""
    if here.within is not None:
        yield from _scored_within(here, here.within, scores)
        return
    first = min(here.first or BLOCK, BLOCK)
    best = popularity.top(scores, first)
    if len(best) == 0:
        return
    most = float(scores[best[0]])
    yield from _scored(here, best, scores, most, last=len(best) < first)
    if first < BLOCK and len(best) == first:
        best = popularity.top(scores, BLOCK)
        yield from _scored(here, best[first:], scores, most)
    if len(best) == BLOCK:
        rest = np.argsort(-scores, kind="stable")[BLOCK:]
        for start in range(0, len(rest), BLOCK):
            yield from _scored(here, rest[start : start + BLOCK], scores, most)


def _scored_within(here: Situation, rows: Rows, scores: NDArray[np.float32]) -> Iterator[Block]:
    """As `by_score`, of few rows, all at once."""
    model_rows = here.view.to_model_rows(rows)
    model_rows = model_rows[model_rows >= 0]
    order = np.lexsort((model_rows, -scores[model_rows]))
    if len(order):
        yield from _scored(here, model_rows[order], scores, float(scores.max()), last=True)


def loudest(here: Situation, targets: Rows) -> Rows:
    """int64[t]: for each target (a model row) the model row of the history's item that adds most to its score."""
    if here.view.snapshot is None or here.taste is None:
        return np.full(len(targets), -1, np.int64)
    shares = factors.contributions(here.taste, here.view.snapshot.factors[targets])
    found: Rows = here.history[np.argmax(shares, axis=1)]
    return found


def _scored(
    here: Situation,
    model_rows: NDArray[np.integer[Any]],
    scores: NDArray[np.float32],
    most: float,
    *,
    last: bool = False,
) -> Iterator[Block]:
    rows, found = here.view.to_rows(model_rows), scores[model_rows]
    kept = (rows >= 0) & (found > 0)
    if kept.any():
        yield Block(rows[kept], found[kept] / most, last=last)


FACTORS: Final = Source(
    name="factors",
    family="factors",
    words=Words(
        kind="taste",
        alone="Fits your taste",
        pair=Pair(
            counted="Fits {name}: {count} of {of} customers who bought that bought this too",
            of="customers",
        ),
    ),
    ask=ask,
    speaks_of="history",
    part="factors",
    names_loudest=True,
)
