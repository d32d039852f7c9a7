"""Why an item is shown, in words and numbers. Numbers speak of at least ten customers, or are not told.

The words are in the declarations of sources (`sources/`); here they are put together.
"""

from typing import Final, NamedTuple

import numpy as np

from etappe.catalog.fragments import Fragment
from etappe.customers.records import CARTED, WISHED
from etappe.models import copurchase
from etappe.models.snapshot import Snapshot
from etappe.serving.answer import Reason
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation
from etappe.serving.sources import factors, neighbours
from etappe.serving.sources.source import Pair, Words

FEWEST: Final = 10
"""Numbers that speak of fewer customers could point at one of them."""
_NO_LONGER_SOLD: Final = "an item no longer sold"


class _Pick(NamedTuple):
    """One pick and its numbers.

    `item` and `because` are model rows, -1 for none; `both` customers (or orders) had both, `together` customers.
    """

    item: int
    because: int
    both: int
    together: int


def reasons_of(here: Situation, picks: Picks, languages: tuple[str, ...]) -> list[Reason]:
    """The reason of each pick; titles in it are in the first of `languages` that there is one in."""
    words = [picks.sources[source].words for source in picks.source.tolist()]
    return [_reason(here, told, pick, languages) for told, pick in zip(words, _numbers(here, picks), strict=True)]


def _numbers(here: Situation, picks: Picks) -> list[_Pick]:
    """The numbers of all picks; those of sources that leave it open get the item that speaks loudest for them."""
    snapshot = here.view.snapshot
    items = here.view.model_rows(here.view.catalogue.column("hash")[picks.rows])
    because, counts, together = picks.because, picks.counts, picks.counts
    if snapshot is not None and len(items):
        sought = np.array([source.names_loudest for source in picks.sources])[picks.source]
        if sought.any():
            because, counts = because.copy(), counts.copy()
            because[sought] = factors.loudest(here, items[sought])
        pairs = copurchase.pair_counts(snapshot.also_bought, because, items)
        counts = np.where(sought, pairs, counts)
        # many orders may be those of few customers
        by_orders = np.array([source.words is neighbours.BOUGHT_TOGETHER for source in picks.sources])[picks.source]
        together = np.where(by_orders, np.minimum(counts, pairs), counts)
    columns = (items, because, counts, together)
    return [_Pick(*numbers) for numbers in zip(*(column.tolist() for column in columns), strict=True)]


def _reason(here: Situation, words: Words, pick: _Pick, languages: tuple[str, ...]) -> Reason:
    snapshot = here.view.snapshot
    if snapshot is None or pick.because < 0:
        return _alone(here, words, pick)
    if pick.because == pick.item:
        return _again(here, words, pick)
    if words.pair is None or (words.pair.bare is None and pick.together < FEWEST):
        return _alone(here, words, pick)
    return _of_pair(words, words.pair, pick, _fragment(here, pick.because, languages), snapshot)


def _alone(here: Situation, words: Words, pick: _Pick) -> Reason:
    """What is told of an item for itself: how many bought it."""
    snapshot = here.view.snapshot
    customers = int(snapshot.customers[pick.item]) if snapshot is not None and pick.item >= 0 else 0
    if snapshot is None or customers < FEWEST:
        return Reason(kind=words.kind, text=words.alone)
    everyone = snapshot.parameters.customers
    text = f"{words.alone}: {customers} of {everyone} customers bought it"
    return Reason(kind=words.kind, customers=customers, of=everyone, text=text)


def _again(here: Situation, words: Words, pick: _Pick) -> Reason:
    """The item speaks for itself: what the customer last made of it, in words."""
    mine = here.items[here.history == pick.because]
    if len(mine) == 0:
        return _alone(here, words, pick)
    if mine["bought"][0]:
        return Reason(kind="again", text="You bought this before")
    if mine["flags"][0] & WISHED:
        return Reason(kind="again", text="It is on your wish list")
    if mine["flags"][0] & CARTED:
        return Reason(kind="again", text="It is in your cart")
    return Reason(kind="again", text="You looked at this before")


def _of_pair(words: Words, pair: Pair, pick: _Pick, other: Fragment | None, snapshot: Snapshot) -> Reason:
    """The item is shown because of another; the numbers are of both together."""
    name, with_ = (other.title, other.id) if other is not None else (_NO_LONGER_SOLD, None)
    if pair.bare is not None and pick.together < FEWEST:
        return Reason(kind=words.kind, with_=with_, text=pair.bare.format(name=name))
    of = int(getattr(snapshot, pair.of)[pick.because])
    text = pair.counted.format(name=name, count=pick.both, of=of)
    return Reason(kind=words.kind, with_=with_, of=of, text=text, **{pair.told: pick.both})


def _fragment(here: Situation, model_row: int, languages: tuple[str, ...]) -> Fragment | None:
    row = here.view.row(model_row)
    return here.view.catalogue.fragment(row, languages) if row >= 0 else None
