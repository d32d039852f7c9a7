"""What a decision is handed in, so that nothing in it depends on when or how often it is computed."""

import time

import msgspec

from etappe.ids import new_decision_id, unguessable

_SEED_BITS = 63
_SEED_BYTES = 8


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """`now` in Unix seconds, the id of the `decision`, and the `seed` of whatever is drawn in it."""

    now: float
    decision: str
    seed: int


def this_moment() -> Moment:
    """The clock's moment, under a new id and with a seed that nobody can guess."""
    seed = int.from_bytes(unguessable()[:_SEED_BYTES], "big") & (2**_SEED_BITS - 1)
    return Moment(now=time.time(), decision=new_decision_id(), seed=seed)
