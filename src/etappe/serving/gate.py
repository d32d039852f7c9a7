"""The gate: what may not be shown. Every list goes through here: fallbacks, related lists and replays too.

Candidates are judged in numbers, one uint8 a candidate: the first check of `checks.CHECKS` that forbids it, or 0.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.filters import Filter, compile_filter
from etappe.catalog.table import Catalogue
from etappe.customers.records import EVENT, writable
from etappe.customers.state import State
from etappe.ids import item_hash
from etappe.serving import checks
from etappe.serving.checks import CHECKS, EXCLUDED, FILTER, PASSES, Held
from etappe.serving.request import Context, Placement
from etappe.serving.viewing.view import Rows, View
from etappe.settings import Showing

Verdicts = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_NOTHING_CLOSED: Final = np.zeros(0, np.bool_)
_NO_CLAIMS: Final = np.zeros(0, EVENT)


class Gate:
    """The checks of one request: for the customer with a state (None: a stranger), at a time, on a page."""

    def __init__(self, view: View, state: State | None, on_page: Sequence[str], showing: Showing, now: float) -> None:
        self._columns = view.catalogue.gate
        self._held = _held(view, self._columns, state, on_page, showing, now)

    def judge(self, rows: Rows) -> Verdicts:
        """uint8[n]: which check forbids each of `rows`."""
        verdicts: Verdicts = checks.judge(rows, self._columns, self._held)
        return verdicts


class OwnChecks:
    """What one placement forbids beside: a row of a table each, the check's number and which rows it lets pass."""

    def __init__(self, catalogue: Catalogue, exclude: Sequence[str], wanted: Filter) -> None:
        self._checks: list[tuple[int, Callable[[Rows], Mask]]] = []
        self._catalogue, self._wanted = catalogue, wanted
        if exclude:
            excluded = _rows_of(catalogue, exclude)
            self._checks.append((EXCLUDED, lambda rows: ~np.isin(rows, excluded)))
        if wanted:
            self._checks.append((FILTER, lambda rows: wanted.mask(catalogue, rows)))

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return bool(self._checks)

    def few(self) -> Rows | None:
        """All rows that the placement's filter lets pass, where they are few and found without a walk."""
        return self._wanted.rows(self._catalogue) if self._wanted else None

    def judge(self, rows: Rows, verdicts: Verdicts) -> Verdicts:
        """`verdicts` of `rows` with this placement's own; a check is asked about what all before it let pass."""
        own = verdicts.copy()
        for number, fits in self._checks:
            passed = np.flatnonzero(own == PASSES)
            if len(passed):
                own[passed[~fits(rows[passed])]] = number
        return own


def on_page(context: Context) -> list[str]:
    """The ids of the items that the customer has before them anyway."""
    return [*context.cart, *([context.item] if context.item else [])]


def own_checks(catalogue: Catalogue, placement: Placement) -> OwnChecks:
    """The checks of a placement.

    Raises:
        InputError: its filter cannot be understood.
    """
    wanted = compile_filter(placement.filter, f"placements.{placement.name}.filter")
    return OwnChecks(catalogue, placement.exclude, wanted)


def left_out(judged: Iterable[Verdicts]) -> dict[str, int]:
    """How many candidates each check left out of those judged."""
    counts = np.zeros(len(CHECKS) + 1, np.int64)
    for verdicts in judged:
        counts += np.bincount(verdicts, minlength=len(counts))
    return {name: int(count) for name, count in zip(CHECKS, counts[1:], strict=True) if count}


def _held(
    view: View, columns: NDArray[np.void], state: State | None, on_page: Sequence[str], showing: Showing, now: float
) -> Held:
    here = _rows_of(view.catalogue, on_page) if on_page else None
    claims = _NO_CLAIMS if state is None else state.claims
    done = 0 if state is None else len(state.items)
    groups, numbers = checks.table_for(done + len(claims) + (0 if here is None else len(here)))
    closed = _NOTHING_CLOSED
    if state is not None:
        closed = _hold_items(view, columns, state.items, showing, now, groups, numbers)
    if len(claims):
        claimed, told = _known(view.catalogue, claims)
        checks.hold_claims(groups, numbers, told, claimed, columns, now, showing.floor_days)
    if here is not None:
        checks.hold_page(groups, numbers, here, columns)
    return Held(now, groups, numbers, closed)


def _hold_items(
    view: View,
    columns: NDArray[np.void],
    items: NDArray[np.void],
    showing: Showing,
    now: float,
    groups: NDArray[np.uint64],
    numbers: Verdicts,
) -> Mask:
    """Holds back what the customer ignored or bought; returns the category codes that a purchase closed."""
    rows, known = _known(view.catalogue, items)
    shares = view.again_shares(rows)
    checks.hold_items(groups, numbers, known, rows, columns, shares, now, showing.floor_days, showing.again_share)
    return _bought_once(view.catalogue, rows, known, showing)


def _known(catalogue: Catalogue, told: NDArray[np.void]) -> tuple[Rows, NDArray[np.void]]:
    """The rows of what records tell of items, and those records, to write to as kernels want them."""
    rows = catalogue.rows(told["item"])
    known = rows >= 0
    return (rows, writable(told)) if known.all() else (rows[known], told.compress(known))


def _bought_once(catalogue: Catalogue, rows: Rows, items: NDArray[np.void], showing: Showing) -> Mask:
    bought = rows[items["bought"] > 0] if showing.bought_once else rows[:0]
    if len(bought) == 0:
        return _NOTHING_CLOSED
    closed = np.zeros(len(catalogue.categories), np.bool_)
    codes = catalogue.column("category")[bought]
    for path in showing.bought_once:
        inside = catalogue.below(path)
        if inside[codes].any():
            closed |= inside
    return closed


def _rows_of(catalogue: Catalogue, ids: Sequence[str]) -> Rows:
    rows = catalogue.rows(np.array([item_hash(item_id) for item_id in ids], np.uint64))
    return rows[rows >= 0]
