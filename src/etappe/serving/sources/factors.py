"""Items near the customer's factor, which is solved from the history on the spot. The only scan of the catalogue."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.models import factors, popularity
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Pair, Source, Words, blocks
from etappe.serving.viewing.view import Rows


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """All items that the customer's factor scores above 0."""
    return by_score(here, into, here.affinities)


def by_score(here: Situation, into: Candidates, scores: NDArray[np.float32] | None) -> Iterator[bool]:
    """All model rows with a score above 0, best first; nearly always the first ones are all that is asked for."""
    if scores is None:
        return
    if here.within is not None:
        _put_within(here, into, here.within, scores)
        yield True
        return
    steps = blocks(here)
    while True:
        start, end = next(steps)
        last = _put_top(here, into, scores, start, end)
        yield last
        if last:
            return
        if end >= BLOCK:
            break
    yield from _rest(here, into, scores)


def _put_top(here: Situation, into: Candidates, scores: NDArray[np.float32], start: int, end: int) -> bool:
    """Adds the best [start, end) that the catalogue has; returns whether nothing above 0 is behind them."""
    into.make_room(end - start)
    to_row = here.view.rows_of_model()
    added, last = popularity.put_top(scores, to_row, start, end, into.count, into.arrays)
    into.count += added
    return bool(last)


def _rest(here: Situation, into: Candidates, scores: NDArray[np.float32]) -> Iterator[bool]:
    """What is behind the first BLOCK: whoever asks for it may ask for all, so that all is put in order once."""
    order = np.argsort(-scores, kind="stable")
    above, most = int(np.count_nonzero(scores > 0)), float(scores[order[0]])
    for start in range(BLOCK, above, BLOCK):
        part = order[start : min(start + BLOCK, above)]
        _put(here, into, part, scores, most)
        yield start + BLOCK >= above


def _put_within(here: Situation, into: Candidates, rows: Rows, scores: NDArray[np.float32]) -> None:
    """As `by_score`, of few rows, all at once."""
    model_rows = here.view.to_model_rows(rows)
    model_rows = model_rows[model_rows >= 0]
    model_rows = model_rows[scores[model_rows] > 0]
    order = np.lexsort((model_rows, -scores[model_rows]))
    _put(here, into, model_rows[order], scores, float(scores.max()))


def _put(here: Situation, into: Candidates, model_rows: Rows, scores: NDArray[np.float32], most: float) -> None:
    rows = here.view.to_rows(model_rows)
    known = rows >= 0
    into.append(rows[known], scores[model_rows[known]] / most)


def loudest(here: Situation, targets: Rows) -> Rows:
    """int64[t]: for each target (a model row) the model row of the history's item that adds most to its score."""
    if here.view.snapshot is None or here.taste is None:
        return np.full(len(targets), -1, np.int64)
    shares = factors.contributions(here.taste, here.view.snapshot.factors[targets])
    found: Rows = here.history[np.argmax(shares, axis=1)]
    return found


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
