"""Which sources are asked, and in what order their items come."""

from typing import Final, NamedTuple

from etappe.serving.situation import Situation
from etappe.serving.sources.cart import CART
from etappe.serving.sources.category import CATEGORY
from etappe.serving.sources.copurchase import COPURCHASE
from etappe.serving.sources.factors import FACTORS
from etappe.serving.sources.popular import POPULAR
from etappe.serving.sources.session import SESSION
from etappe.serving.sources.source import Source

IN_TURN: Final = (CART, SESSION, FACTORS, COPURCHASE)
"""Whoever is at something is shown what goes with it, and whoever is known what fits what they took to before."""
FALLBACKS: Final = (CATEGORY, POPULAR)


class Asked(NamedTuple):
    """The sources that give one item each in turn, and those asked one after another when the first have no more."""

    in_turn: tuple[Source, ...]
    then: tuple[Source, ...] = ()

    @property
    def all(self) -> tuple[Source, ...]:
        """In order; a candidate names its source by the place here."""
        return self.in_turn + self.then


def asked(here: Situation) -> Asked:
    """The sources to ask in a situation."""
    return Asked(tuple([source for source in IN_TURN if source.can_be_asked(here)]), FALLBACKS)
