"""The lowest price of the 30 days before a reduction, which shops in the EU have to tell beside the reduced one.

An item keeps its own short history: the prices of the days on which it changed, as far as 30 days look back.
"""

from typing import Final

import msgspec

from etappe.catalog.item import Item, PriceOfDay

DAYS: Final = 30


def priced(before: Item | None, after: Item, day: int) -> Item:
    """`after` with its history and `lowest_30d`, given that it took the place of `before` on a day (since 1970, UTC).

    The lowest is told from a reduction on until the price rises, or is one of another currency.
    """
    if after.price is None:
        return msgspec.structs.replace(after, price_history=[], lowest_30d=None)
    history = [] if before is None or before.currency != after.currency else _history(before)
    if not history:
        return msgspec.structs.replace(after, price_history=[(day, after.price)], lowest_30d=None)
    last = history[-1][1]
    if after.price == last:
        return after
    past = _within(history, day)
    lowest = min(price for _, price in past) if after.price < last else None
    return msgspec.structs.replace(after, price_history=_with(past, day, after.price), lowest_30d=lowest)


def _history(item: Item) -> list[PriceOfDay]:
    """A price of which nobody knows since when it holds has always held."""
    return item.price_history or ([] if item.price is None else [(0, item.price)])


def _within(history: list[PriceOfDay], day: int) -> list[PriceOfDay]:
    """The prices that were in force in the 30 days before `day`: of older ones the last, which was so still."""
    first = max((at for at, (since, _) in enumerate(history) if since <= day - DAYS), default=0)
    return history[first:]


def _with(history: list[PriceOfDay], day: int, price: float) -> list[PriceOfDay]:
    """The history with one more price. Of a day its lowest and its last are kept, so that it stays short."""
    today = [one for one in history if one[0] == day]
    if len(today) < 2:  # noqa: PLR2004 - the lowest and the last
        return [*history, (day, price)]
    others = history[: -len(today)]
    return [*others, (day, min(one for _, one in today)), (day, price)]
