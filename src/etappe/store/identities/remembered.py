"""Those who were erased, as far as they are remembered: what names one of them is known again by its keyed hash."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from etappe.events.identities import Identity
from etappe.events.naming import anywhere
from etappe.events.naming.sought import Search
from etappe.events.naming.telling import ADDRESSES
from etappe.ids import Subject, subject_of, tombstone_of
from etappe.store.identities.tombstones import Tombstone

_SHORTEST: Final = 6
_REMEMBERED: Final = 100_000


class Remembered:
    """Who was erased, by their tombstones: an identity is one of theirs if its keyed hash is."""

    kinds: Sequence[str] = ()
    """A tombstone does not tell the names of other systems, so their ids are known where they stand, not in texts."""

    def __init__(self, stones: Iterable[Tombstone], secret: bytes) -> None:
        self._stones = {stone.mark: stone for stone in stones}
        self._secret = secret
        self._erased = lru_cache(maxsize=_REMEMBERED)(self._stone_of)

    def since(self, subject: Subject) -> datetime | None:
        """When a subject was erased, for the last time."""
        stone = self._stones.get(tombstone_of(self._secret, subject))
        return _since(stone) if stone is not None else None

    def last(self) -> datetime | None:
        """When somebody was erased for the last time."""
        return max(map(_since, self._stones.values()), default=None)

    def is_named(self, document: Any, moment: datetime | None) -> bool:
        """Whether what nobody could read names one of them, as they were known at `moment` (None: at any time)."""
        return bool(self._stones) and anywhere.is_named(Search(self, moment), document)

    def whose(self, identity: Identity, moment: datetime | None) -> str | None:
        """Their own tombstone's receipt, where an identity was erased and `moment` is not after that."""
        stone = self._erased(identity)
        return stone.receipt if stone is not None and (moment is None or moment <= _since(stone)) else None

    def may_tell(self, text: str) -> bool:
        """Whether a text is long enough to name somebody."""
        return len(text) >= _SHORTEST and bool(self._stones)

    def _stone_of(self, identity: Identity) -> Tombstone | None:
        kinds = ADDRESSES if identity.kind in ADDRESSES else (identity.kind,)
        marks = (tombstone_of(self._secret, subject_of(self._secret, kind, identity.value)) for kind in kinds)
        return max((self._stones[mark] for mark in marks if mark in self._stones), key=_since, default=None)


def _since(stone: Tombstone) -> datetime:
    return datetime.fromtimestamp(stone.since / 1000, UTC)
