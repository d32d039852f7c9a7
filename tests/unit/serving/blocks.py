"""Sources' candidates block by block, and sources that give what a test wants."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import Ask


class Block(NamedTuple):
    """What a source gave at once; `last` is what it said of it."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    because: NDArray[np.int64] | int = -1
    counts: NDArray[np.int64] | int = -1
    last: bool = False


def blocks(ask: Ask, here: Situation) -> list[Block]:
    """All blocks of a source that have anything."""
    into, start, found = Candidates(), 0, []
    for last in ask(here, into):
        new = slice(start, into.count)
        arrays = (into.rows, into.scores, into.because, into.counts)
        found.append(Block(*(array[new].copy() for array in arrays), last))
        start = into.count
    return [block for block in found if len(block.rows)]


def giving(told: Iterable[Block]) -> Ask:
    """What is asked gives these."""

    def ask(_: Situation, into: Candidates) -> Iterator[bool]:
        for block in told:
            into.append(*block[:4])
            yield block.last

    return ask
