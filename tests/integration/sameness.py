"""When two states, or two nodes of the identity graph, say the same."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from etappe.customers.folding.kernels import EPOCH
from etappe.customers.packed.aging import aged
from etappe.customers.state import State


def same(found: State, expected: State, whose: str) -> None:
    """Whether two states say the same of a customer, however they came about."""
    one, other = (aged(state.base, time.time()) for state in (found, expected))  # what a worker folded has left it
    assert set(found.base.ring.tolist()) == set(expected.base.ring.tolist()), whose
    same_rows(one.totals, other.totals, ("revenue", "refunded"), whose)
    same_rows(one.items, other.items, ("weight",), whose, _last_event(other.items, expected.half_life_days))
    assert one.recent.tolist() == other.recent.tolist(), whose
    assert (one.pieces.tobytes(), one.touches, one.drawn) == (other.pieces.tobytes(), other.touches, other.drawn), whose
    assert (found.traits(), found.consents(), found.consent) == (
        expected.traits(),
        expected.consents(),
        expected.consent,
    ), whose


def _last_event(items: Any, half_life_days: float) -> float:
    """The weight of an event of strength 1 as late as the last: sums that cancel are rounded as their parts are."""
    return max((2.0 ** ((last - EPOCH) / half_life_days / 86_400) for last in items["last"].tolist()), default=0.0)


def same_rows(one: Any, other: Any, sums: Sequence[str], whose: str, part: float = 0.0) -> None:
    """Whether two arrays of records say the same, `sums` but for rounding: .1 % over a thousand folds."""
    for name in one.dtype.names:
        if name in sums:
            strongest = max((part, *(abs(value) for value in other[name].tolist())))
            assert np.allclose(one[name], other[name], rtol=1e-3, atol=1e-3 * strongest), (whose, name)
        elif name == "recent_orders":
            assert set(one[name][0]) == set(other[name][0]), (whose, name)
        else:
            assert one[name].tolist() == other[name].tolist(), (whose, name)


def node_of(node: Any) -> Any:
    """A node without the order and the times of its edges."""
    edges = frozenset(msgspec.structs.replace(edge, since=0) for edge in node.edges)
    return node.identity, edges, frozenset(node.apart), node.shared
