"""What a source of candidates is: one declaration.

A source writes its candidates best first, in blocks, so that a list behind a narrow filter can go on asking.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation

BLOCK: Final = 256
"""Candidates that a source gives at once, and at most at first."""
_MORE: Final = 4
"""Until it gives whole blocks, a source has given so many times as much with each as before."""

Ask = Callable[[Situation, Candidates], Iterator[bool]]
"""Each step adds a block of candidates at the end, and says whether nothing comes behind it: then there is no other."""


def blocks(here: Situation, *, at_hand: bool = False) -> Iterator[tuple[int, int]]:
    """Of the candidates of a source, best first, those [start, end) that each block has; without end.

    `at_hand`: they lie in order already, so that more of them cost less than asking once more.
    """
    start, end = 0, min((here.first or BLOCK) * (_MORE if at_hand else 1), BLOCK)
    while True:
        yield start, end
        start, end = end, min(_MORE * end, BLOCK) if end < BLOCK else end + BLOCK


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
    """The reason of a source's items: its `kind`, and what is said of an item `alone` or of a `pair`.

    `unproven` is the kind and what is said where nobody bought or saw it, of sources that go on to such items.
    """

    kind: str
    alone: str = "Popular in this shop"
    pair: Pair | None = None
    unproven: tuple[str, str] | None = None


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
        if self.speaks_of is not None and len(getattr(here, self.speaks_of)) == 0:
            return False
        return self.part is None or here.view.has(self.part)
