"""Items bought in the same order as those in the cart."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.models.confidence import PURCHASE
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources import neighbours
from etappe.serving.sources.source import Source


def ask(here: Situation, into: Candidates) -> Iterator[bool]:
    """What goes with the cart, each of whose items counts as one purchase that has just happened."""
    weights = np.full(len(here.cart), PURCHASE)
    return neighbours.ask(here, into, "bought_together", here.cart, weights)


CART: Final = Source(
    name="cart",
    family=neighbours.FAMILY,
    words=neighbours.BOUGHT_TOGETHER,
    ask=ask,
    speaks_of="cart",
    part="bought_together",
)
