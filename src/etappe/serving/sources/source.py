"""What a source of candidates is: one declaration.

A source gives its candidates best first, in blocks, so that a list behind a narrow filter can go on asking.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from etappe.serving.situation import Situation
from etappe.serving.viewing.view import Rows

BLOCK: Final = 256
"""Candidates that a source gives at once, and at most at first."""


class Block(NamedTuple):
    """Candidates, best first: int64[n] catalogue rows, and float32[n] scores relative to the source's best.

    `because` int[n] is the model row of the item that brought each, `counts` int[n] the customers (or orders) who took
    both; None where no single item brought them. `last`: nothing comes behind, so that the source need not be asked.
    """

    rows: Rows
    scores: NDArray[np.floating[Any]]
    because: NDArray[np.integer[Any]] | None = None
    counts: NDArray[np.integer[Any]] | None = None
    last: bool = False


Ask = Callable[[Situation], Iterator[Block]]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """How it is told that an item is shown because of another, with `counted` numbers and, where they are few, `bare`.

    The numbers are of `told`; `of` names the array of the snapshot that says how many there are in all. Where `bare` is
    None, what is told of few is what is told of an item alone.
    """

    counted: str
    of: Literal["customers", "orders", "wished"]
    bare: str | None = None
    told: Literal["customers", "orders"] = "customers"


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The reason of a source's items: its `kind`, and what is said of an item `alone` or of a `pair`."""

    kind: str
    alone: str = "Popular in this shop"
    pair: Pair | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """One source: `name` is what explanations call it, `family` what items say they come from.

    `speaks_of` names what it needs of the situation; a stranger to whom that does not apply is not asked about. `part`
    is the part of the snapshot that it reads. `names_loudest`: which item of the history speaks loudest is sought only
    for what is shown, since it costs a solve each.
    """

    name: str
    family: str
    words: Words
    ask: Ask
    speaks_of: Literal["cart", "seeds", "history"] | None = None
    part: str | None = None
    names_loudest: bool = False

    def can_be_asked(self, here: Situation) -> bool:
        """Whether the situation and the snapshot have what it needs."""
        if self.part is not None and not here.view.has(self.part):
            return False
        return self.speaks_of is None or len(getattr(here, self.speaks_of)) > 0
