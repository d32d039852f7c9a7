"""Items bought by the customers who bought what this customer took to before, and what they take to again."""

from collections.abc import Iterator
from typing import Final

from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Source


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """What goes with the history; its own items too, as what was bought is bought again."""
    return neighbours.ask(here, into, "also_bought", here.history, here.weights, themselves=True)


COPURCHASE: Final = Source(
    name="copurchase",
    family=neighbours.FAMILY,
    words=neighbours.ALSO_BOUGHT,
    ask=ask,
    speaks_of="history",
    part="also_bought",
)
