"""Warm-up: compiles kernels and touches the snapshot's pages before the first customer has to wait for it."""

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Manifest
from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue
from etappe.customers import records
from etappe.customers.packed.base import pack
from etappe.customers.state import fold_state, recalled
from etappe.events.vocabulary import Purchase, ViewItem
from etappe.ids import item_hash
from etappe.models import copurchase
from etappe.models.copurchase import Neighbours
from etappe.models.snapshot import PARTS, Parameters, Snapshot
from etappe.serving.decide import decide
from etappe.serving.lists import popular
from etappe.serving.moment import this_moment
from etappe.serving.request import Context, DecideRequest, Placement
from etappe.serving.viewing.view import CUSTOMERS, DECAYED, View
from etappe.settings import Settings

_HISTORY: Final = 5
_MANY: Final = 20
"""Customers of each pair in the small shop: enough for numbers to be told."""


def warm_up(view: View, settings: Settings) -> None:
    """Makes decisions of every kind for a customer of no consequence, in this shop and in a small one.

    A shop may have no items yet, or a snapshot that knows none of them; the small one needs every kernel.
    """
    small = _small_shop()
    for shop in (small, view):
        _decide_all(shop, settings)
    for measure in (DECAYED, CUSTOMERS):  # not of the shop: an order of each measure would lie in memory for nothing
        popular(small, None, measure, _HISTORY, None, settings, 0.0)


def _decide_all(view: View, settings: Settings) -> None:
    known = [view.catalogue.item(row).id for row in range(min(_HISTORY, len(view.catalogue)))] or ["none"]
    now = datetime.now(UTC)
    events = [*(ViewItem(item_id=one) for one in known), *(Purchase(item_id=one, price=1.0) for one in known[1:])]
    events.append(Purchase(item_id=known[0], price=1.0, claim=True))
    tail = b"".join(records.encode(event, str(number), now) for number, event in enumerate(events))
    half_life = settings.learning.half_life_days
    state = recalled(pack(fold_state(b"", tail, half_life).base), tail, half_life)
    places = [Placement(name="warm", filter={"price": {"gte": 0}}, exclude=known[:1]), Placement(name="next")]
    for context in (Context(), Context(item=known[0], cart=known[:2])):
        request = DecideRequest(placements=places, context=context, explain=True)
        decide(view, request, state, settings, this_moment())
        decide(view, request, None, settings, this_moment())


def _small_shop() -> View:
    """A few items, each of which goes with all others, under a snapshot as if it were mapped from a file."""
    ids = [f"item-{number}" for number in range(_HISTORY + 1)]
    catalogue = Catalogue()
    for item_id in ids:
        catalogue.apply(ItemPatch(id=item_id, category="all"))
    count = len(ids)
    customers = np.full(count, _MANY, np.int32)
    others = np.array([[row for row in range(count) if row != item] for item in range(count)], np.int32)
    pairs = Neighbours(
        _mapped(others), _mapped(np.ones(others.shape, np.float32)), _mapped(np.full_like(others, _MANY))
    )
    snapshot = Snapshot(
        manifest=Manifest(kind="", format=0, version="", created=""),
        parameters=_PARAMETERS,
        parts=frozenset(part.name for part in PARTS),
        unknown=(),
        items=_mapped(np.sort(np.array([item_hash(item_id) for item_id in ids], np.uint64))),
        customers=_mapped(customers),
        orders=_mapped(customers.copy()),
        popularity=_mapped(np.ones(count, np.float32)),
        windows=_mapped(np.ones((0, count), np.int32)),
        repeats=_mapped(customers.copy()),
        factors=_mapped(np.eye(count, dtype=np.float32)),
        gram=_mapped(np.eye(count, dtype=np.float32)),
        also_bought=pairs,
        bought_together=pairs,
        wished=_mapped(customers.copy()),
        wishlist_bought=pairs,
        own=copurchase.own_scores(customers, 2 * _MANY),
    )
    return View(catalogue, snapshot)


_PARAMETERS: Final = Parameters(
    now=0.0,
    customers=2 * _MANY,
    orders=2 * _MANY,
    events=2 * _MANY,
    half_life_days=60.0,
    popularity_half_life_days=20.0,
    alpha=1.0,
    regularisation=1.0,
    iterations=1,
    seed=1,
    windows=(),
)


def _mapped(array: NDArray[Any]) -> NDArray[Any]:
    """The array as those of a snapshot are, which nobody may write to: kernels are compiled for that apart."""
    array.flags.writeable = False
    return array
