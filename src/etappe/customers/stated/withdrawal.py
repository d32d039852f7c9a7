"""From when a word of consent counts, so that the last to be said is the last to count though clocks are wrong.

Words are judged in their order of arrival. A grant takes a denial back where it was said no earlier, by clients'
clocks; a denial takes a grant back unless that was said later by more than clocks may be wrong. What is decided so is
written into the event as the time from which it counts, and from there on the later time wins, in any order.

Of words that do not know of each other yet (a browser's, before its user logs in) a denial counts from the latest
moment at which it can have been said: as much later as clocks may be wrong, but not after it arrived. A grant counts
from the time it names, but not after it arrived.
"""

from collections.abc import Iterable

import msgspec

from etappe.customers.stated.consent import is_granted, said_at
from etappe.customers.stated.traits import Trait


class Word(msgspec.Struct, frozen=True):
    """A word on one purpose: its verdict, from when it counts, and when it was said by clients' clocks (Unix us)."""

    granted: bool
    counts: int
    said: int


def word_of(trait: Trait) -> Word:
    """A customer's last word on a purpose as the record has it."""
    return Word(is_granted(trait.value), trait.time, said_at(trait.value, trait.time))


def denial(said: int, arrived: int, skew: int, known: Iterable[Word]) -> Word:
    """A denial that was `said` by its client's clock, after the `known` last words on what it denies."""
    counts, latest = min(arrived, said + skew), said
    for word in known:
        if word.granted and said + skew >= word.said:  # in doubt the denial was the later word
            counts = max(counts, word.counts + 1)
        elif not word.granted and said >= word.said:  # said again: never back to an earlier time than it has
            counts = max(counts, word.counts)
        elif not word.granted:  # an older one that comes late: a grant has to be later than the newer one still
            latest = max(latest, word.said)
    return Word(False, counts, latest)


def grant(said: int, known: Iterable[Word]) -> Word:
    """A grant that was `said` by its client's clock, after the `known` last words on what it grants."""
    words = list(known)
    if any(said < word.said for word in words if not word.granted):  # its own time loses to the denial's
        return Word(True, said, said)
    return Word(True, max([said, *(word.counts + (not word.granted) for word in words if said >= word.said)]), said)
