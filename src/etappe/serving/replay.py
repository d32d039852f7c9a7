"""An answer that was given, given again: held against what must not be shown by now, and otherwise what it was."""

from typing import Final

import msgspec
import numpy as np

from etappe.customers.state import State
from etappe.errors import DataError
from etappe.ids import item_hash
from etappe.serving.answer import Answer, AnsweredCustomer, FilledPlacement, ShownItem
from etappe.serving.decide import forbidden_to, gate_of
from etappe.serving.request import DecideRequest, Placement
from etappe.serving.rules import Forbidden, Gate
from etappe.serving.view import View
from etappe.settings import Settings

_DECODER: Final = msgspec.json.Decoder(Answer)
_ENCODER: Final = msgspec.json.Encoder()
_IMPERSONAL: Final = "popular"
"""The reason of items that are shown to a stranger alike."""


def replayed(
    encoded: bytes,
    view: View,
    request: DecideRequest,
    state: State | None,
    settings: Settings,
    now: float,
    *,
    personal: bool,
) -> bytes:
    """The answer `encoded` to `request`, without what may not be shown to this customer by now; else byte for byte.

    What was made from a record (`personal`) is given again only to a customer who has one that may be used: after a
    withdrawal of consent, or where the record cannot be read, what is left is what a stranger could have seen.

    Raises:
        DataError: the answer is of another version of Etappe.
    """
    try:
        answer = _DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        raise DataError(f"a kept answer cannot be read: {error}; ask with a new request_id") from error
    withdrawn = personal and state is None
    forbidden = forbidden_to(view, state, settings, now)
    placements = {
        placement.name: _left(view, request, placement, filled, forbidden, now, withdrawn=withdrawn)
        for placement in request.placements
        if (filled := answer.placements.get(placement.name)) is not None
    }
    customer = AnsweredCustomer(known=False) if withdrawn else answer.customer
    again = msgspec.structs.replace(answer, customer=customer, placements=placements)
    return encoded if again == answer else _ENCODER.encode(again)


def _left(
    view: View,
    request: DecideRequest,
    placement: Placement,
    filled: FilledPlacement,
    forbidden: Forbidden,
    now: float,
    *,
    withdrawn: bool,
) -> FilledPlacement:
    """A placement with those of its items, in order, that pass the gate once more."""
    items = filled.items or []
    if withdrawn:  # what rules left out tells of the record, too
        items = [item for item in items if item.reason.kind == _IMPERSONAL]
        filled = msgspec.structs.replace(filled, explanation=None)
    if filled.items is None:
        return filled
    return msgspec.structs.replace(
        filled, items=_passing(view, gate_of(view, request, placement, forbidden, now), items)
    )


def _passing(view: View, gate: Gate, items: list[ShownItem]) -> list[ShownItem]:
    rows = view.catalogue.rows(np.array([item_hash(item.id) for item in items], np.uint64))
    passes = rows >= 0
    passes[passes] = gate.passes(rows[passes])
    return [item for item, passed in zip(items, passes.tolist(), strict=True) if passed]
