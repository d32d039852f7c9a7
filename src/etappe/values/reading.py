"""How the values of one message or file are read: whose ids are nobody's, which marks and orders are stated or told."""

from collections.abc import Iterable
from datetime import UTC, tzinfo

import msgspec

from etappe.values import money
from etappe.values.deciding import Column
from etappe.values.ids import NOBODY
from etappe.values.money import Mark
from etappe.values.times import Order


class Reading(msgspec.Struct, frozen=True):
    """`decimals` and `order` are stated, by the settings or a command; `amounts` is the column of a whole file."""

    nobody: frozenset[str] = NOBODY
    decimals: Mark | None = None
    order: Order | None = None
    zone: tzinfo = UTC
    amounts: Column[Mark] | None = None

    def mark_of(self, texts: Iterable[str]) -> Mark:
        """The mark by which the amounts `texts` are read: what the file tells, else what they tell together."""
        if self.amounts is not None:
            self.amounts.learn(texts)
            return self.amounts.rule
        return self.decimals or money.mark_of(texts)


USUAL = Reading()
