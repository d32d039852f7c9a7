"""Why an item is shown, in words and numbers. Numbers speak of at least ten customers, or are not told."""

from typing import Final

import msgspec
import numpy as np

from etappe.catalog.fragments import title_of
from etappe.customers.records import CARTED, WISHED
from etappe.models.copurchase import Neighbours
from etappe.models.snapshot import Snapshot
from etappe.serving.answer import Reason, ShownItem
from etappe.serving.candidates import loudest_in_taste
from etappe.serving.ranking import Pick
from etappe.serving.situation import Situation
from etappe.serving.view import View, languages

FEWEST: Final = 10
"""Numbers that speak of fewer customers could point at one of them."""


def shown_item(here: Situation, pick: Pick, locale: str | None) -> ShownItem:
    """The item of a pick as it is answered."""
    item = here.view.catalogue.item(pick.row)
    return ShownItem(
        id=item.id,
        title=title_of(item, languages(locale)),
        score=round(pick.score, 6),
        source=pick.source,
        reason=reason_of(here, pick, locale),
        price=item.price,
        currency=item.currency,
        category=item.category,
        url=item.url,
        image=item.image,
    )


def with_taste(here: Situation, picks: list[Pick]) -> list[Pick]:
    """The picks, those from factors with the item of the history that speaks loudest for each, and the pair's count."""
    places = [place for place, pick in enumerate(picks) if pick.reason == "taste"]
    if not places or here.view.snapshot is None:
        return picks
    targets = np.array([here.view.model_row(picks[place].row) for place in places], np.int64)
    explained = list(picks)
    for place, target, loudest in zip(places, targets.tolist(), loudest_in_taste(here, targets).tolist(), strict=True):
        count = pair_count(here.view.snapshot.also_bought, loudest, target)
        explained[place] = msgspec.structs.replace(picks[place], because=loudest, count=count)
    return explained


def pair_count(neighbours: Neighbours, item: int, other: int) -> int:
    """How many customers took both, where `other` is in the list of `item` (model rows); 0 where it is not."""
    found = np.flatnonzero(neighbours.rows[item] == other)
    return int(neighbours.counts[item, found[0]]) if len(found) else 0


def reason_of(here: Situation, pick: Pick, locale: str | None = None) -> Reason:
    """The reason of a pick; titles in it are in the asked language where there are such."""
    snapshot = here.view.snapshot
    if snapshot is None or pick.because < 0:
        return _bought_by_many(here.view, pick)
    if pick.because == here.view.model_row(pick.row):
        return _again(here, pick)
    return _of_pair(here.view, snapshot, pick, locale)


def _again(here: Situation, pick: Pick) -> Reason:
    """The item speaks for itself: what the customer last made of it, in words."""
    mine = here.items[here.history == pick.because]
    if len(mine) == 0:
        return _bought_by_many(here.view, pick)
    if mine["bought"][0]:
        return Reason(kind="again", text="You bought this before")
    if mine["flags"][0] & WISHED:
        return Reason(kind="again", text="It is on your wish list")
    if mine["flags"][0] & CARTED:
        return Reason(kind="again", text="It is in your cart")
    return Reason(kind="again", text="You looked at this before")


class _Words(msgspec.Struct, frozen=True):
    """How a kind of pair is told: `bare` without numbers, `counted` with them; `of` names an array of the snapshot."""

    bare: str | None
    counted: str
    of: str


_PAIRS: Final = {
    "also_bought": _Words(
        "Bought by customers who bought {name}",
        "{count} of {of} customers who bought {name} bought this too",
        "customers",
    ),
    "wishlist_bought": _Words(
        "Bought by customers with {name} on their wish list",
        "{count} of {of} customers with {name} on their wish list bought this",
        "wished",
    ),
    "bought_together": _Words(
        "Bought together with {name}",
        "In {count} of {of} orders with {name}",
        "orders",
    ),
    "taste": _Words(
        None,
        "Fits {name}: {count} of {of} customers who bought that bought this too",
        "customers",
    ),
}


def _of_pair(view: View, snapshot: Snapshot, pick: Pick, locale: str | None) -> Reason:
    """The item is shown because of another; the numbers are of both together."""
    words = _PAIRS[pick.reason]
    row = view.row(pick.because)
    item = view.catalogue.item(row) if row >= 0 else None
    name, other = (title_of(item, languages(locale)), item.id) if item else ("an item no longer sold", None)
    if not _speaks_of_many(view, snapshot, pick):
        if words.bare is None:
            return _bought_by_many(view, pick)
        return Reason(kind=pick.reason, with_=other, text=words.bare.format(name=name))
    of = int(getattr(snapshot, words.of)[pick.because])
    text = words.counted.format(name=name, count=pick.count, of=of)
    counted = {"orders" if words.of == "orders" else "customers": pick.count}
    return Reason(kind=pick.reason, with_=other, of=of, text=text, **counted)


def _speaks_of_many(view: View, snapshot: Snapshot, pick: Pick) -> bool:
    """Whether numbers may be told. Many orders may be those of few customers, so customers count for orders too."""
    together = pick.count
    if pick.reason == "bought_together":
        together = min(together, pair_count(snapshot.also_bought, pick.because, view.model_row(pick.row)))
    return together >= FEWEST


_WORDS: Final = {
    "taste": "Fits your taste",
    "popular_in_category": "Popular in this category",
    "popular": "Popular in this shop",
    "similar": "Liked by the same customers",
    "also_bought": "Popular in this shop",
}


def _bought_by_many(view: View, pick: Pick) -> Reason:
    words = _WORDS[pick.reason]
    snapshot = view.snapshot
    model_row = view.model_row(pick.row)
    customers = int(snapshot.customers[model_row]) if snapshot is not None and model_row >= 0 else 0
    if snapshot is None or customers < FEWEST:
        return Reason(kind=pick.reason, text=words)
    everyone = snapshot.parameters.customers
    text = f"{words}: {customers} of {everyone} customers bought it"
    return Reason(kind=pick.reason, customers=customers, of=everyone, text=text)
