"""Why an item is shown, in words and numbers. Numbers speak of at least ten customers, or are not told.

The words are in the declarations of sources (`sources/`); here they are put together.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from etappe.catalog.fragments import Fragment
from etappe.customers.records import CARTED, WISHED
from etappe.models import copurchase
from etappe.models.snapshot import Snapshot
from etappe.serving.answering.answer import Reason
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation
from etappe.serving.sources import factors
from etappe.serving.sources.neighbours import BOUGHT_TOGETHER
from etappe.serving.sources.source import Pair, Source, Words

FEWEST: Final = 10
"""Numbers that speak of fewer customers could point at one of them."""
_BOUGHT: Final = Reason(kind="again", text="You bought this before")
_ON_WISH_LIST: Final = Reason(kind="again", text="It is on your wish list")
_IN_CART: Final = Reason(kind="again", text="It is in your cart")
_SEEN: Final = Reason(kind="again", text="You looked at this before")
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
    sources = [picks.sources[source] for source in picks.source.tolist()]
    told = zip(sources, _numbers(here, picks, sources), strict=True)
    return [_reason(here, source.words, pick, languages) for source, pick in told]


def _numbers(here: Situation, picks: Picks, sources: list[Source]) -> Iterator[_Pick]:
    """The numbers of all picks; those of sources that leave it open get the item that speaks loudest for them."""
    snapshot = here.view.snapshot
    items, because = here.view.to_model_rows(picks.rows), picks.because.copy()
    sought = [place for place, source in enumerate(sources) if source.names_loudest]
    if sought:
        because[sought] = factors.loudest(here, items[sought])
    both = picks.counts.tolist()
    together = both
    if snapshot is not None and (sought or any(source.words is BOUGHT_TOGETHER for source in sources)):
        together = copurchase.pair_counts(snapshot.also_bought, because, items).tolist()
    for place, (item, other) in enumerate(zip(items.tolist(), because.tolist(), strict=True)):
        source = sources[place]
        if source.names_loudest:
            yield _Pick(item, other, together[place], together[place])
        elif source.words is BOUGHT_TOGETHER:  # many orders may be those of few customers
            yield _Pick(item, other, both[place], min(both[place], together[place]))
        else:
            yield _Pick(item, other, both[place], both[place])


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
    place = here.places.get(pick.because)
    if place is None:
        return _alone(here, words, pick)
    mine = here.items[place]
    if mine["bought"]:
        return _BOUGHT
    if mine["flags"] & WISHED:
        return _ON_WISH_LIST
    return _IN_CART if mine["flags"] & CARTED else _SEEN


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
