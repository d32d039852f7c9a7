"""The customer's situation, as the sources of candidates see it: what they took to, and what they are at just now."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.customers.kernels import MICROSECONDS
from etappe.customers.records import GIFT, IGNORED, ITEM
from etappe.customers.state import State
from etappe.events.vocabulary import STRENGTH
from etappe.ids import ItemHash, item_hash
from etappe.models import factors
from etappe.models.factors import Taste
from etappe.serving.request import Context
from etappe.serving.view import Rows, View

_HERE: Final = 3.0
"""Weight of the item on the page and of those in the cart, beside the strength of events."""
BADLY_RATED: Final = 2
"""A rating up to this, of 5, says that the customer does not like the item."""
_MAX_SEEDS: Final = 16


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything the sources need. All arrays of *model rows* are of items the snapshot knows.

    `history`/`items`/`weights`: int64[n]/ITEM[n]/float64[n], the customer's taste. `seeds`/`seed_weights`: what they
    are at just now, in this session and on this page. `cart`: model rows in the cart. `interests`: uint64[k] hashes of
    the seeds, else of the history, whether the snapshot knows them or not.
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

    @cached_property
    def taste(self) -> Taste | None:
        """The customer's factor, solved from the history once; None where there is nothing to solve it from."""
        snapshot = self.view.snapshot
        if snapshot is None or len(self.history) == 0 or snapshot.factors.shape[1] == 0:
            return None
        parameters = snapshot.parameters
        history = snapshot.factors[self.history]
        return factors.fold_in(history, self.weights, snapshot.gram, parameters.regularisation, parameters.alpha)


def situation(view: View, state: State | None, context: Context, now: float, session_seconds: float) -> Situation:
    """What `state` (None for a stranger) and the page's context make of this moment."""
    items = state.items if state is not None else np.zeros(0, ITEM)
    weights = state.weights(_reference(view, state)) if state is not None else np.zeros(0)
    model_rows = view.model_rows(items["item"])
    liked = (model_rows >= 0) & (weights > 0) & _own_taste(items)
    cart = [item_hash(item) for item in context.cart]
    hashes, strengths = _seeds(state, context, now - session_seconds, cart)
    seeds, seed_weights = _known(view, hashes, strengths)
    at = np.array(cart, np.uint64)
    return Situation(
        view=view,
        now=now,
        history=model_rows[liked],
        items=items[liked],
        weights=weights[liked],
        seeds=seeds,
        seed_weights=seed_weights,
        cart=_known(view, at, np.ones(len(at)))[0],
        interests=hashes if len(hashes) else items["item"][_own_taste(items)],
    )


def _own_taste(items: NDArray[np.void]) -> NDArray[np.bool_]:
    """bool[n]: which items speak for the customer's taste: not what was given away, turned down or rated badly."""
    refused = (items["rating"] > 0) & (items["rating"] <= BADLY_RATED)
    spoken: NDArray[np.bool_] = (items["flags"] & (GIFT | IGNORED) == 0) & ~refused
    return spoken


def _reference(view: View, state: State) -> NDArray[np.float64]:
    """float64[n]: the time to age each item's weight to, in Unix seconds.

    Aged to when the snapshot was trained, a history weighs what it weighed there, whatever the clock says; what came
    later is as fresh as it was then.
    """
    trained = view.snapshot.parameters.now if view.snapshot is not None else 0.0
    return np.maximum(trained, state.items["last"].astype(np.float64))


def _seeds(
    state: State | None, context: Context, since: float, cart: list[ItemHash]
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Item hashes and weights of the session's events, the item on the page and the cart; the latest seeds count."""
    strengths: dict[int, float] = {}
    first = since * MICROSECONDS
    if state is not None and len(state.recent) and state.recent["time"][-1] >= first:
        unliked = state.items["item"][~_own_taste(state.items)]
        session = state.recent[state.recent["time"] >= first]
        recent = session[~np.isin(session["item"], unliked)]
        for hashed, code in zip(recent["item"].tolist(), recent["code"].tolist(), strict=True):
            strengths[hashed] = strengths.pop(hashed, 0.0) + float(STRENGTH[code])
    for hashed in [*cart, *([item_hash(context.item)] if context.item else [])]:
        strengths[hashed] = strengths.pop(hashed, 0.0) + _HERE
    latest = [(hashed, strength) for hashed, strength in strengths.items() if strength > 0][-_MAX_SEEDS:]
    return np.array([hashed for hashed, _ in latest], np.uint64), np.array([strength for _, strength in latest])


def _known(view: View, hashes: NDArray[np.uint64], weights: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    rows = view.model_rows(hashes)
    known = rows >= 0
    return rows[known], weights[known]
