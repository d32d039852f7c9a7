"""A file that is all there is: what it does not name is no longer sold, unless too much of the catalogue would go."""

from collections.abc import Callable, Iterator

import msgspec

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError

Missing = Callable[[set[int]], tuple[int, list[str]]]
"""How many items are for sale, and the ids of those among them whose hash is not among the given ones."""


class Whole(msgspec.Struct, frozen=True):
    """That a file is all there is. More than the `share` of what is for sale goes only by `force`."""

    missing: Missing
    share: float
    force: bool = False

    def gone(self, named: set[int], unread: int) -> list[str]:
        """The ids of what is for sale and not `named` (hashes of ids); `unread` rows may be of any item.

        Raises:
            InputError: too much would go, or nobody knows of which items the unread rows are.
        """
        sold, gone = self.missing(named)
        if gone and unread and not self.force:
            raise InputError(
                f"nothing was imported: {unread:,} rows cannot be read, so nobody knows whether {len(gone):,} items are"
                " missing; mend them, or say --force"
            )
        if len(gone) > self.share * sold and not self.force:
            raise InputError(
                f"nothing was imported: {len(gone):,} of {sold:,} items for sale are not in the file, more than the"
                f" {self.share:.0%} of catalogue.most_gone; is the file whole? --force takes them off all the same"
            )
        return gone


class Gone:
    """The changes that take items off sale."""

    def __init__(self, ids: list[str]) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[ItemPatch]:
        return (ItemPatch(id=item, available=False) for item in self._ids)
