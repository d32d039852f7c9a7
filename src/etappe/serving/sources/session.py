"""Items bought by the customers who bought what this customer is at just now."""

from collections.abc import Iterator
from typing import Final

from etappe.models import copurchase
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Block, Source


def ask(here: Situation) -> Iterator[Block]:
    """What goes with the seeds, weighted as they are."""
    if here.view.snapshot is not None:
        found = copurchase.score(here.view.snapshot.also_bought, here.seeds, here.seed_weights)
        yield from neighbours.blocks(here, found)


SESSION: Final = Source(
    name="session",
    family=neighbours.FAMILY,
    words=neighbours.ALSO_BOUGHT,
    ask=ask,
    speaks_of="seeds",
    part="also_bought",
)
