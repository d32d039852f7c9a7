"""What is sold beside products and is none: postage, vouchers, samples, bank charges, tests."""

import fnmatch
import re
from collections.abc import Iterable
from typing import Final

from etappe.catalog.item import Item

_NOTHING: Final = re.compile(r"(?!)")
_SHORT: Final = 2
"""Characters of an id that tells nothing where there is a title: M is a manual entry, and also somebody's mug."""


class NotProducts:
    """The rule by which an item is no product: by its title, its id or its price, unless the shop has said."""

    def __init__(self, patterns: Iterable[str], *, free_items: bool = False) -> None:
        some = [fnmatch.translate(pattern.strip().casefold()) for pattern in patterns if pattern.strip()]
        self._pattern = re.compile("|".join(some)) if some else _NOTHING
        self._free_items = free_items

    def __contains__(self, item: Item) -> bool:
        """Whether `item` is no product."""
        if item.product is not None:
            return not item.product
        if item.price == 0 and not item.prices and not self._free_items:
            return True
        titled = item.title not in ("", item.id)
        return (titled and self._matches(item.title)) or (
            (not titled or len(item.id) > _SHORT) and self._matches(item.id)
        )

    def _matches(self, text: str) -> bool:
        return self._pattern.match(text.strip().casefold()) is not None
