"""An answer that was given, given again: held against what must not be shown by now, and otherwise what it was."""

from typing import Final

import msgspec
import numpy as np

from etappe.customers.state import State
from etappe.errors import DataError
from etappe.ids import item_hash
from etappe.serving import gate as gates
from etappe.serving.answering import answer as answers
from etappe.serving.answering.answer import STRANGER, FilledPlacement, ShownItem
from etappe.serving.checks import PASSES
from etappe.serving.gate import Gate
from etappe.serving.request import DecideRequest, Placement
from etappe.serving.viewing.view import View
from etappe.settings import Settings

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
        answer = answers.decoded(encoded)
    except msgspec.MsgspecError as error:
        raise DataError(f"a kept answer cannot be read: {error}; ask with a new request_id") from error
    withdrawn = personal and state is None
    gate = Gate(view, state, gates.on_page(request.context), settings.showing, now)
    placements = {
        placement.name: _left(view, placement, filled, gate, withdrawn=withdrawn)
        for placement in request.placements
        if (filled := answer.placements.get(placement.name)) is not None
    }
    customer = STRANGER if withdrawn else answer.customer
    again = msgspec.structs.replace(answer, customer=customer, placements=placements)
    return encoded if again == answer else _ENCODER.encode(again)


def _left(view: View, placement: Placement, filled: FilledPlacement, gate: Gate, *, withdrawn: bool) -> FilledPlacement:
    """A placement with those of its items, in order, that pass the gate once more."""
    items = filled.items or []
    if withdrawn:  # what checks left out tells of the record, too
        items = [item for item in items if item.reason.kind == _IMPERSONAL]
        filled = msgspec.structs.replace(filled, explanation=None)
    if filled.items is None:
        return filled
    return msgspec.structs.replace(filled, items=_passing(view, gate, placement, items))


def _passing(view: View, gate: Gate, placement: Placement, items: list[ShownItem]) -> list[ShownItem]:
    rows = view.catalogue.rows(np.array([item_hash(item.id) for item in items], np.uint64))
    passes = rows >= 0
    own = gates.own_checks(view.catalogue, placement)
    passes[passes] = own.judge(rows[passes], gate.judge(rows[passes])) == PASSES
    return [item for item, passed in zip(items, passes.tolist(), strict=True) if passed]
