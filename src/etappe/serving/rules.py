"""What may not be shown, told for any rows at once. Every list goes through here, fallbacks and related lists too."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.filters import Filter
from etappe.catalog.table import SHOP_FLOOR, Catalogue
from etappe.customers.fold import SECONDS_PER_DAY
from etappe.customers.kernels import MICROSECONDS
from etappe.customers.records import EVENT, IGNORED, ITEM
from etappe.ids import item_hash
from etappe.serving.view import Rows, View
from etappe.settings import Rules

Mask = NDArray[np.bool_]
_NO_CLAIMS: Final = np.zeros(0, EVENT)


class Forbidden:
    """What one customer must not be shown now: groups of variants, and categories bought once."""

    def __init__(
        self, view: View, items: NDArray[np.void], rules: Rules, now: float, claims: NDArray[np.void] = _NO_CLAIMS
    ) -> None:
        catalogue = view.catalogue
        rows = catalogue.rows(items["item"])
        known = rows >= 0
        rows, items = rows[known], items[known]
        groups = catalogue.column("group")[rows]
        self.ignored = groups[items["flags"] & IGNORED > 0]
        in_floor = groups[_inside_floor(catalogue, rows, items["bought"].astype(np.int64), rules, now)]
        self.in_floor = np.concatenate([in_floor, _claimed(catalogue, claims, rules, now)])
        self.not_again = groups[_bought_for_good(view, rows, items, rules)]
        self.categories = _bought_once(catalogue, rows[items["bought"] > 0], rules)


def nothing_forbidden(view: View, rules: Rules) -> Forbidden:
    """What a stranger must not be shown: nothing in particular."""
    return Forbidden(view, np.zeros(0, ITEM), rules, 0.0)


class Gate:
    """The rules of one placement, and how many candidates each of them left out."""

    def __init__(
        self,
        catalogue: Catalogue,
        forbidden: Forbidden,
        wanted: Filter,
        exclude: list[str],
        here: list[str],
        now: float,
    ) -> None:
        self._catalogue = catalogue
        self._forbidden = forbidden
        self._wanted = wanted
        self._excluded = _rows_of(catalogue, exclude)
        self._here = catalogue.column("group")[_rows_of(catalogue, here)]
        self._now = now
        self.left_out: dict[str, int] = {}

    def passes(self, rows: Rows) -> Mask:
        """bool[n]: which of `rows` may be shown."""
        groups = self._catalogue.column("group")[rows]
        passed = self._note("unavailable", np.ones(len(rows), np.bool_), self._catalogue.open_rows(rows, self._now))
        passed = self._note("ignored", passed, ~np.isin(groups, self._forbidden.ignored))
        passed = self._note("just_bought", passed, ~np.isin(groups, self._forbidden.in_floor))
        passed = self._note("bought_before", passed, ~np.isin(groups, self._forbidden.not_again))
        passed = self._note("bought_once", passed, ~self._in_bought_category(rows))
        passed = self._note("on_this_page", passed, ~np.isin(groups, self._here))
        passed = self._note("excluded", passed, ~np.isin(rows, self._excluded))
        if self._wanted and passed.any():
            fits = np.zeros(len(rows), np.bool_)
            fits[passed] = self._wanted.mask(self._catalogue, rows[passed])
            passed = self._note("filter", passed, fits)
        return passed

    def _in_bought_category(self, rows: Rows) -> Mask:
        codes = self._catalogue.column("category")[rows]
        inside = np.zeros(len(self._catalogue.categories), np.bool_)
        inside[: len(self._forbidden.categories)] = self._forbidden.categories
        found: Mask = inside[codes]
        return found

    def _note(self, rule: str, before: Mask, after: Mask) -> Mask:
        passed = before & after
        dropped = int(np.count_nonzero(before)) - int(np.count_nonzero(passed))
        if dropped:
            self.left_out[rule] = self.left_out.get(rule, 0) + dropped
        return passed


def _claimed(catalogue: Catalogue, claims: NDArray[np.void], rules: Rules, now: float) -> NDArray[Any]:
    """The groups of what a browser says was bought so recently."""
    rows = catalogue.rows(claims["item"])
    known = rows >= 0
    bought = claims["time"][known] // MICROSECONDS
    inside = _inside_floor(catalogue, rows[known], bought, rules, now)
    groups: NDArray[Any] = catalogue.column("group")[rows[known][inside]]
    return groups


def _inside_floor(catalogue: Catalogue, rows: Rows, bought: NDArray[np.int64], rules: Rules, now: float) -> Mask:
    """`bought` (Unix seconds, 0 for never) so recently that the buyer has no use for another."""
    own = catalogue.column("floor")[rows].astype(np.int64)
    days = np.where(own == SHOP_FLOOR, rules.floor_days, own)
    return (bought > 0) & (now - bought < days * SECONDS_PER_DAY)


def _bought_for_good(view: View, rows: Rows, items: NDArray[np.void], rules: Rules) -> Mask:
    """Bought, and of a kind that people do not buy again: neither the shop nor the customers say that they do."""
    unstated = view.catalogue.column("floor")[rows] == SHOP_FLOOR
    kept: Mask = (items["bought"] > 0) & unstated & (view.again_shares(rows) < rules.again_share)
    return kept


def _bought_once(catalogue: Catalogue, bought: Rows, rules: Rules) -> Mask:
    forbidden = np.zeros(len(catalogue.categories), np.bool_)
    codes = catalogue.column("category")[bought]
    for path in rules.bought_once:
        inside = catalogue.below(path)
        if inside[codes].any():
            forbidden |= inside
    return forbidden


def _rows_of(catalogue: Catalogue, ids: list[str]) -> Rows:
    rows = catalogue.rows(np.array([item_hash(one) for one in ids], np.uint64))
    return rows[rows >= 0]
