"""Why an item is shown, in words and numbers. Numbers speak of at least ten customers, or are not told."""

from typing import Final

import msgspec
import numpy as np

from etappe.catalog.item import Item
from etappe.customers.records import CARTED, WISHED
from etappe.models.copurchase import Neighbours
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
        title=title_of(item, locale),
        score=round(pick.score, 6),
        source=pick.source,
        reason=reason_of(here, pick),
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


def title_of(item: Item, locale: str | None) -> str:
    """The title in the asked language, else the item's own, else its id."""
    for language in languages(locale):
        if language in item.titles:
            return item.titles[language]
    return item.title or item.id


def reason_of(here: Situation, pick: Pick) -> Reason:
    """The reason of a pick."""
    if pick.because >= 0 and pick.because == here.view.model_row(pick.row):
        return _again(here, pick)
    if pick.reason == "also_bought":
        return _also_bought(here.view, pick)
    if pick.reason == "bought_together":
        return _bought_together(here.view, pick)
    if pick.reason == "wishlist_bought":
        return _wishlist_bought(here.view, pick)
    if pick.reason == "taste" and pick.because >= 0:
        return _taste(here.view, pick)
    return _bought_by_many(here.view, pick)


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


def _also_bought(view: View, pick: Pick) -> Reason:
    other, name, customers, _ = _because(view, pick)
    if pick.count < FEWEST:
        return Reason(kind=pick.reason, with_=other, text=f"Bought by customers who bought {name}")
    text = f"{pick.count} of {customers} customers who bought {name} bought this too"
    return Reason(kind=pick.reason, with_=other, customers=pick.count, of=customers, text=text)


def _wishlist_bought(view: View, pick: Pick) -> Reason:
    other, name, _, _ = _because(view, pick)
    wished = int(view.snapshot.wished[pick.because]) if view.snapshot is not None else 0
    if pick.count < FEWEST:
        return Reason(kind=pick.reason, with_=other, text=f"Bought by customers with {name} on their wish list")
    text = f"{pick.count} of {wished} customers with {name} on their wish list bought this"
    return Reason(kind=pick.reason, with_=other, customers=pick.count, of=wished, text=text)


def _taste(view: View, pick: Pick) -> Reason:
    other, name, customers, _ = _because(view, pick)
    if pick.count < FEWEST:
        return _bought_by_many(view, pick)
    text = f"Fits {name}: {pick.count} of {customers} customers who bought that bought this too"
    return Reason(kind=pick.reason, with_=other, customers=pick.count, of=customers, text=text)


def _bought_together(view: View, pick: Pick) -> Reason:
    other, name, _, orders = _because(view, pick)
    if pick.count < FEWEST:
        return Reason(kind=pick.reason, with_=other, text=f"Bought together with {name}")
    text = f"In {pick.count} of {orders} orders with {name}"
    return Reason(kind=pick.reason, with_=other, orders=pick.count, of=orders, text=text)


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


def _because(view: View, pick: Pick) -> tuple[str | None, str, int, int]:
    """Id and title of the item that brought the pick, and its customers and orders."""
    snapshot = view.snapshot
    if snapshot is None or pick.because < 0:
        return None, "", 0, 0
    row = view.row(pick.because)
    customers, orders = int(snapshot.customers[pick.because]), int(snapshot.orders[pick.because])
    if row < 0:
        return None, "an item no longer sold", customers, orders
    item = view.catalogue.item(row)
    return item.id, item.title or item.id, customers, orders
