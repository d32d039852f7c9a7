"""Items bought by the customers who bought what this customer took to before, and what they take to again."""

from collections.abc import Iterator
from typing import Final

from etappe.models import copurchase
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Block, Source


def ask(here: Situation) -> Iterator[Block]:
    """What goes with the history; its own items too, as what was bought is bought again."""
    snapshot = here.view.snapshot
    if snapshot is not None:
        own, customers = snapshot.own, snapshot.customers
        found = copurchase.score(snapshot.also_bought, here.history, here.weights, own, customers)
        yield from neighbours.blocks(here, found)


COPURCHASE: Final = Source(
    name="copurchase",
    family=neighbours.FAMILY,
    words=neighbours.ALSO_BOUGHT,
    ask=ask,
    speaks_of="history",
    part="also_bought",
)
