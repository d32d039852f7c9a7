"""The customer's situation, as the sources of candidates see it: what they took to, and what they are at just now."""

import copy
from functools import cached_property
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.customers.records import EVENT, ITEM
from etappe.customers.state import State
from etappe.ids import item_hash
from etappe.models import factors
from etappe.models.factors import Taste
from etappe.serving import sought
from etappe.serving.request import Context
from etappe.serving.viewing.view import Rows, View
from etappe.units import SECONDS_PER_DAY

_NOBODY: Final = (np.zeros(0, ITEM), np.zeros(0, EVENT), 1.0)
_NOTHING: Final = np.zeros(0, np.uint64)
_NOTHING.flags.writeable = False  # as what is mapped from a snapshot: one compiled kernel takes both


class Situation(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
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
        msgspec.structs.force_setattr(other, "within", rows)
        return other

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
    items, recent, half_life_days = _NOBODY if state is None else (state.items, state.recent, state.half_life_days)
    known, trained = (_NOTHING, 0.0) if view.snapshot is None else (view.snapshot.items, view.snapshot.parameters.now)
    before_them = [*context.cart, context.item] if context.item else context.cart
    page = np.empty(len(before_them), np.uint64)
    for place, item_id in enumerate(before_them):
        page[place] = item_hash(item_id)
    mine, here = len(items), len(recent) + len(page)
    rows, weights = np.empty(mine + 2 * here, np.int64), np.empty(mine + here, np.float64)
    liked, interests = np.empty(mine, ITEM), np.empty(mine + here, np.uint64)
    history, seeds, cart, interesting = sought.look(
        items, recent, page, len(context.cart), now - session_seconds,
        known, half_life_days * SECONDS_PER_DAY, trained,
        rows, weights, liked, interests,
    )  # fmt: skip
    return Situation(
        view=view,
        now=now,
        history=rows[:history],
        items=liked[:history],
        weights=weights[:history],
        seeds=rows[mine : mine + seeds],
        seed_weights=weights[mine : mine + seeds],
        cart=rows[mine + here : mine + here + cart],
        interests=interests[:interesting],
        first=first,
    )
