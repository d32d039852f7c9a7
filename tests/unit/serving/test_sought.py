"""The compiled pass that makes a situation, against the same in plain words."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import NOW, Model, catalogue_items, overlaid

from etappe.customers import records
from etappe.customers.packed.base import pack
from etappe.customers.records import GIFT, IGNORED
from etappe.customers.state import State, fold_state, recalled
from etappe.events.vocabulary import STRENGTH, TYPES
from etappe.ids import item_hash
from etappe.serving.request import Context
from etappe.serving.situation import situation
from etappe.serving.sought import BADLY_RATED, HERE, MAX_SEEDS
from etappe.serving.viewing.view import View

SESSION = 1800.0
HALF_LIFE = 60.0
_IDS = [*(item.id for item in catalogue_items()), "unheard-of", "new"]
_EVENTS = ["view_item", "view_item", "purchase", "add_to_cart", "remove_from_cart", "gift", "ignore", "rate", "refund"]


def _record(number: int, name: str, item: str, seconds: int, rating: int) -> bytes:
    properties = {"rating": rating} if name == "rate" else None
    event = TYPES[name](item_id=item, properties=properties)
    return records.encode(event, f"e{number}", NOW - timedelta(seconds=seconds))


_RECORDS = st.lists(
    st.builds(
        _record,
        st.integers(0, 2**40),
        st.sampled_from(_EVENTS),
        st.sampled_from(_IDS),
        st.integers(0, 60) | st.integers(1700, 1900) | st.integers(-3 * 86_400, 90 * 86_400),
        st.integers(1, 5),
    ),
    max_size=30,
)


def _naive(view: View, state: State, context: Context, now: float) -> dict[str, Any]:
    """The parts of a situation, by the words of its docstrings."""
    items = state.items
    snapshot = view.snapshot
    trained = snapshot.parameters.now if snapshot is not None else 0.0
    weights = state.weights(np.maximum(trained, items["last"].astype(np.float64)))
    places = [int(place) for place in view.model_rows(items["item"])]
    refused = [bool(item["flags"] & (GIFT | IGNORED)) or 0 < int(item["rating"]) <= BADLY_RATED for item in items]
    liked = [index for index in range(len(items)) if places[index] >= 0 and weights[index] > 0 and not refused[index]]
    at = _seeds(state, {int(hashed) for hashed, no in zip(items["item"], refused, strict=True) if no}, context, now)
    rows = dict(zip(at, view.model_rows(np.array(list(at), np.uint64)).tolist(), strict=True))
    cart = view.model_rows(np.array([item_hash(one) for one in context.cart], np.uint64)).tolist()
    return {
        "history": [places[index] for index in liked],
        "items": [items[index].tobytes() for index in liked],
        "weights": pytest.approx([weights[index] for index in liked], rel=1e-12),
        "seeds": [row for row in rows.values() if row >= 0],
        "seed_weights": [weight for hashed, weight in at.items() if rows[hashed] >= 0],
        "cart": [row for row in cart if row >= 0],
        "interests": list(at) or [int(hashed) for hashed, no in zip(items["item"], refused, strict=True) if not no],
    }


def _seeds(state: State, refused: set[int], context: Context, now: float) -> dict[int, float]:
    """What the customer is at, by hash, the latest last."""
    told = [
        (int(event["item"]), float(STRENGTH[event["code"]]))
        for event in state.recent
        if event["time"] >= (now - SESSION) * 1_000_000 and int(event["item"]) not in refused
    ]
    told += [(item_hash(one), HERE) for one in [*context.cart, *([context.item] if context.item else [])]]
    found: dict[int, float] = {}
    for hashed, weight in told:
        found[hashed] = found.pop(hashed, 0.0) + weight
    return dict([pair for pair in found.items() if pair[1] > 0][-MAX_SEEDS:])


@given(folded=_RECORDS, waiting=_RECORDS, cart=st.lists(st.sampled_from(_IDS), max_size=3), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_situation_is_what_the_words_say(
    model: Model, folded: list[bytes], waiting: list[bytes], cart: list[str], data: st.DataObject
) -> None:
    """History, weights, seeds, cart and interests of any customer on any page, with a snapshot and without."""
    context = Context(item=data.draw(st.none() | st.sampled_from(_IDS)), cart=cart)
    view = View(overlaid(catalogue_items()), data.draw(st.sampled_from([model.snapshot, None])))
    state = recalled(pack(fold_state(b"", b"".join(folded), HALF_LIFE).base), b"".join(waiting), HALF_LIFE)
    here = situation(view, state, context, NOW.timestamp(), SESSION)
    found = {
        name: getattr(here, name).tolist()
        for name in ("history", "weights", "seeds", "seed_weights", "cart", "interests")
    }
    found["items"] = [item.tobytes() for item in here.items]
    assert _naive(view, state, context, NOW.timestamp()) == found
