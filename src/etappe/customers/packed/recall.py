"""The compiled way from stored bytes to what a decision asks of a customer: items and session, in one pass.

It does what `state.fold_state` does, which is the judge of it. What it has no case for it leaves to that one: damage,
other versions, more items acted on than a base keeps. Traits, hashes of events, pieces, aggregates and touches are
passed over, and so are the blocks that events carry.
"""

from typing import Any, Final

import numpy as np
from numba import njit

from etappe.customers.folding.claims import CLAIMS, RECENT
from etappe.customers.folding.fold import MAX_ACTED, MAX_IGNORED, MAX_SEEN, TOTALS
from etappe.customers.folding.kernels import RECENT_ORDERS, add_events
from etappe.customers.packed.base import HEADER, VERSION
from etappe.customers.packed.compact import ITEM_WORDS, LOW, TOTALS_WORDS
from etappe.customers.packed.expand import read, read_body
from etappe.customers.packed.sections import BY_NAME, FRAME
from etappe.customers.records import CARRIES, CLAIM, EVENT, IGNORED, ITEM, OF_SESSION, TOUCHED, WIDTH
from etappe.customers.records import VERSION as RECORD_VERSION
from etappe.events.vocabulary import STRENGTH

UNTOLD: Final = -1
"""In place of a number: the whole fold is to be asked."""
_ITEM_BYTES: Final = ITEM.itemsize
_HEADER_BYTES: Final = HEADER.size
_RECENT: Final = BY_NAME["recent"].tag
_GONE: Final = 0
"""The hash of an item that is left out; none has it."""


@njit(cache=True, nogil=True)
def recall(packed: Any, tail: Any, half_life: float, room: Any, most: int) -> tuple[int, int, int, int, int]:
    """Reads `packed` and `tail` (uint8[]) into `room` (uint8[]); `half_life` is in seconds.

    ITEM[n] stand at its beginning, ascending by hash. Behind the room of `most` items, enough for n and as many as the
    tail has events, there are EVENT[]: at some place the recent ones in order of time, then the claims.

    Returns:
        n, or UNTOLD; the place and number of the recent events; the number of claims; how many events there were ever.
    """
    items, told = room[: most * _ITEM_BYTES], room[most * _ITEM_BYTES :]
    words, totals = items.view(np.int64).reshape(-1, ITEM_WORDS), np.zeros(TOTALS_WORDS, np.int64)
    known, sections = _read_body(packed, words, totals)
    session = _read_session(packed, sections, told) if known != UNTOLD else UNTOLD
    run, whole = _run_of(tail)
    if session == UNTOLD or not whole:
        return UNTOLD, 0, 0, 0, 0
    filled, events = known, told.view(EVENT)
    if len(run):
        words[known : known + len(run)] = 0
        filled = add_events(items.view(ITEM), known, totals.view(TOTALS), run, STRENGTH, half_life)
        _into_order(items.view(ITEM), known, filled)
        filled = _within_bounds(items.view(ITEM), filled)
        session = _with_session_of(run, events, session)
    first, recent, claims = _apart(events, session, totals.view(TOTALS)[0])
    return filled, first, recent, claims, totals[1] & LOW


@njit(cache=True, nogil=True)
def _read_body(packed: Any, words: Any, totals: Any) -> tuple[int, int]:
    """Reads items and totals; returns the number of items, or UNTOLD, and where the sections begin."""
    if len(packed) == 0:
        return 0, 0
    if len(packed) < _HEADER_BYTES or packed[0] != VERSION:
        return UNTOLD, 0
    seen, known = read(packed, 8, 2), read(packed, 8, 2) + read(packed, 10, 2)
    end = _HEADER_BYTES + read(packed, 12, 3)
    if end > len(packed) or known > len(words):
        return UNTOLD, 0
    sound = read_body(packed, _HEADER_BYTES, end, seen, int(packed[3]), words[:known], totals)
    return known if sound else UNTOLD, end


@njit(cache=True, nogil=True)
def _read_session(packed: Any, at: int, told: Any) -> int:
    """Copies the bytes of the recent events in the sections from `at` on; returns their number, or UNTOLD."""
    found, recent = 0, 0
    while at < len(packed):
        start = at + FRAME
        end = start + read(packed, at + 1, FRAME - 1) if start <= len(packed) else len(packed) + 1
        if end > len(packed) or (packed[at] == _RECENT and (end - start) % WIDTH):
            return UNTOLD
        if packed[at] == _RECENT:
            told[: end - start] = packed[start:end]
            recent = (end - start) // WIDTH
        at = end
        found += 1
    return recent if len(packed) == 0 or found == packed[15] else UNTOLD


@njit(cache=True, nogil=True)
def _run_of(tail: Any) -> tuple[Any, bool]:
    """EVENT[m]: the events of a tail in the order they are folded in; and whether it is whole, and of this version."""
    run, found, index = np.empty(len(tail) // WIDTH, EVENT), 0, 0
    if len(tail) % WIDTH or (len(tail) and tail[WIDTH - 1] >> 4 != RECORD_VERSION):
        return run[:0], False
    records = tail.view(EVENT)
    while index < len(records):
        code = records[index].code
        _put(run, found, records[index])
        if TOUCHED < code < CLAIM:
            run[found].code = code - TOUCHED
        blocks = np.int64(records[index].quantity) if CARRIES[code] else np.int64(0)
        index = int(index + 1 + blocks)
        found += 1
    _sort(run[:found])
    return run[:found], index == len(records)


@njit(cache=True, nogil=True)
def _put(events: Any, at: int, event: Any) -> None:
    events[at] = event


@njit(cache=True, nogil=True)
def _sort(events: Any) -> None:
    """By time, at one time by hash. They are nearly in order as they come."""
    for index in range(1, len(events)):
        place = index
        while place > 0 and _is_later(events[place - 1], events[index]):
            place -= 1
        if place < index:
            moved = events[index : index + 1].copy()
            for later in range(index, place, -1):
                events[later] = events[later - 1]
            events[place] = moved[0]


@njit(cache=True, nogil=True)
def _is_later(event: Any, other: Any) -> bool:
    return bool(event.time > other.time or (event.time == other.time and event.event > other.event))


@njit(cache=True, nogil=True)
def _into_order(items: Any, known: int, filled: int) -> None:
    """Puts ITEM[filled], of which the first `known` ascend by hash, in that order: there are few new ones."""
    for index in range(known, filled):
        low, high = 0, index
        while low < high:
            middle = (low + high) // 2
            if items[middle].item < items[index].item:
                low = middle + 1
            else:
                high = middle
        if low < index:
            moved = items[index : index + 1].copy()
            for later in range(index, low, -1):
                items[later] = items[later - 1]
            items[low] = moved[0]


@njit(cache=True, nogil=True)
def _within_bounds(items: Any, filled: int) -> int:
    """Leaves out what `fold.keep_telling` does of those merely seen; returns how many stay, or UNTOLD."""
    ignored, acted = 0, 0
    for index in range(filled):
        if items[index].flags & IGNORED:
            ignored += 1
        elif not _merely_seen(items[index]):
            acted += 1
    if ignored > MAX_IGNORED or acted > MAX_ACTED:
        return UNTOLD
    for _ in range(filled - ignored - acted - MAX_SEEN):
        _leave_out_lightest(items, filled)
    kept = 0
    for index in range(filled):
        if items[index].item != _GONE:
            if kept < index:
                items[kept] = items[index]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _leave_out_lightest(items: Any, filled: int) -> None:
    """Of one weight the one with the greatest hash."""
    lightest = -1
    for index in range(filled):
        stays = _merely_seen(items[index]) and items[index].item != _GONE
        if stays and (lightest < 0 or items[index].weight <= items[lightest].weight):
            lightest = index
    items[lightest].item = _GONE


@njit(cache=True, nogil=True)
def _merely_seen(item: Any) -> bool:
    return bool(item.bought == 0 and item.flags == 0 and item.rating == 0)


@njit(cache=True, nogil=True)
def _with_session_of(run: Any, told: Any, session: int) -> int:
    """Adds what `run` tells of the session to the EVENT[session] in `told`; returns how many there are."""
    for index in range(len(run)):
        if OF_SESSION[run[index].code] and run[index].item > 0:
            _put(told, session, run[index])
            session += 1
    _sort(told[:session])
    return session


@njit(cache=True, nogil=True)
def _apart(told: Any, session: int, totals: Any) -> tuple[int, int, int]:
    """Parts EVENT[session] as `claims.kept` bounds them; returns the place and number of the others, and of claims."""
    claims = 0
    for index in range(session):
        claims += told[index].code == CLAIM
    others = session - claims
    if claims == 0:
        return max(others - RECENT, 0), min(others, RECENT), 0
    waiting, place, left = np.empty(claims, EVENT), 0, 0
    for index in range(session):
        if told[index].code != CLAIM:
            told[place] = told[index]
            place += 1
        elif not _was_told(told[index].order, totals):
            _put(waiting, left, told[index])
            left += 1
    first = max(left - CLAIMS, 0)
    for index in range(first, left):
        told[others + index - first] = waiting[index]
    return max(others - RECENT, 0), min(others, RECENT), left - first


@njit(cache=True, nogil=True)
def _was_told(order: Any, totals: Any) -> bool:
    """Whether an order is among those remembered: then a purchase took its claim's place."""
    told = False
    for index in range(RECENT_ORDERS):
        told |= order > 0 and totals.recent_orders[index] == order
    return told
