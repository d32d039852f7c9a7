"""The customer's situation, as the sources of candidates see it: what they took to, and what they are at just now."""

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from etappe.catalog.finding import rows_of
from etappe.customers.records import EVENT, ITEM, writable
from etappe.customers.state import State
from etappe.events.vocabulary import STRENGTH
from etappe.ids import item_hash
from etappe.models import factors
from etappe.models.factors import Taste
from etappe.serving import sought
from etappe.serving.request import Context
from etappe.serving.viewing.view import Rows, View

_NOBODY: Final = (np.zeros(0, ITEM), np.zeros(0, EVENT), np.zeros(0))
_NO_ITEMS: Final = np.zeros(0, np.uint64)
_NO_ITEMS.flags.writeable = False  # as what is mapped from a snapshot: one compiled kernel takes both


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything the sources need. All arrays of *model rows* are of items the snapshot knows.

    `history`/`items`/`weights`: int64[n]/ITEM[n]/float64[n], the customer's taste. `seeds`/`seed_weights`: what they
    are at just now, in this session and on this page. `cart`: model rows in the cart. `interests`: uint64[k] hashes of
    the seeds, else of the history, whether the snapshot knows them or not. `first`: how many candidates a source is to
    give at first (None: a block), where it goes on being asked. `within`: the only rows that a source need think of,
    where a filter lets few pass.
    """

    view: View
    now: float
    history: Rows
    items: NDArray[np.void]
    weights: NDArray[np.float64]
    seeds: Rows
    seed_weights: NDArray[np.float64]
    cart: Rows
    interests: NDArray[np.uint64]
    first: int | None = None
    within: Rows | None = None

    def narrowed(self, rows: Rows) -> Self:
        """The same situation, for which sources need not look beyond `rows`; what was solved before stays so."""
        other = copy.copy(self)
        object.__setattr__(other, "within", rows)
        return other

    @cached_property
    def places(self) -> dict[int, int]:
        """Where in the history each model row is, the first place of each."""
        rows = self.history.tolist()
        return dict(zip(reversed(rows), range(len(rows) - 1, -1, -1), strict=True))

    @cached_property
    def taste(self) -> Taste | None:
        """The customer's factor, solved from the history once; None where there is nothing to solve it from."""
        snapshot = self.view.snapshot
        if snapshot is None or len(self.history) == 0 or snapshot.factors.shape[1] == 0:
            return None
        parameters = snapshot.parameters
        history = snapshot.factors[self.history]
        return factors.fold_in(history, self.weights, snapshot.gram, parameters.regularisation, parameters.alpha)

    @cached_property
    def affinities(self) -> NDArray[np.float32] | None:
        """float32[model rows]: how each item suits the customer's factor, scanned once; None where there is none."""
        snapshot, taste = self.view.snapshot, self.taste
        return None if snapshot is None or taste is None else factors.scores(taste.vector, snapshot.factors)


def situation(
    view: View, state: State | None, context: Context, now: float, session_seconds: float, first: int | None = None
) -> Situation:
    """What `state` (None for a stranger) and the page's context make of this moment."""
    items, recent, weights = _NOBODY
    if state is not None:
        items, recent = writable(state.items), writable(state.recent)
        weights = state.weights(_reference(view, items))
    speaks = np.empty(len(items), np.bool_)
    sought.own_taste(items, speaks)
    cart = [item_hash(item) for item in context.cart]
    page = np.array([*cart, *([item_hash(context.item)] if context.item else [])], np.uint64)
    hashes, strengths = np.empty(len(recent) + len(page), np.uint64), np.empty(len(recent) + len(page), np.float64)
    count = sought.seeds(recent, now - session_seconds, items, speaks, page, STRENGTH, hashes, strengths)
    hashes, strengths = hashes[:count], strengths[:count]
    found = _model_rows(view, np.concatenate([items["item"], hashes, page[: len(cart)]]))
    model_rows, here = found[: len(items)], found[len(items) :]
    seeds, in_cart = here[:count], here[count:]
    liked = (model_rows >= 0) & (weights > 0) & speaks
    return Situation(
        view=view,
        now=now,
        history=model_rows[liked],
        items=items.compress(liked),  # four times as fast as an index
        weights=weights[liked],
        seeds=seeds[seeds >= 0],
        seed_weights=strengths[seeds >= 0],
        cart=in_cart[in_cart >= 0],
        interests=hashes if count else items["item"][speaks],
        first=first,
    )


def _model_rows(view: View, hashes: NDArray[np.uint64]) -> Rows:
    """int64[n]: the snapshot's rows of item hashes, -1 for those it does not know."""
    rows = np.empty(len(hashes), np.int64)
    rows_of(hashes, view.snapshot.items if view.snapshot is not None else _NO_ITEMS, rows)
    return rows


def _reference(view: View, items: NDArray[np.void]) -> NDArray[np.float64]:
    """float64[n]: the time to age each item's weight to, in Unix seconds.

    Aged to when the snapshot was trained, a history weighs what it weighed there, whatever the clock says; what came
    later is as fresh as it was then.
    """
    trained = view.snapshot.parameters.now if view.snapshot is not None else 0.0
    return np.maximum(trained, items["last"].astype(np.float64))
