"""Items bought by the customers who bought what this customer is at just now."""

from collections.abc import Iterator
from typing import Final

from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Source


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """What goes with the seeds, weighted as they are."""
    return neighbours.ask(here, into, "also_bought", here.seeds, here.seed_weights)


SESSION: Final = Source(
    name="session",
    family=neighbours.FAMILY,
    words=neighbours.ALSO_BOUGHT,
    ask=ask,
    speaks_of="seeds",
    part="also_bought",
)
