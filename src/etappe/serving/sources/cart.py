"""Items bought in the same order as those in the cart."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.models import copurchase
from etappe.models.confidence import PURCHASE
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Block, Source


def ask(here: Situation) -> Iterator[Block]:
    """What goes with the cart, each of whose items counts as one purchase that has just happened."""
    if here.view.snapshot is not None:
        weights = np.full(len(here.cart), PURCHASE)
        found = copurchase.score(here.view.snapshot.bought_together, here.cart, weights)
        yield from neighbours.blocks(here, found)


CART: Final = Source(
    name="cart",
    family=neighbours.FAMILY,
    words=neighbours.BOUGHT_TOGETHER,
    ask=ask,
    speaks_of="cart",
    part="bought_together",
)
