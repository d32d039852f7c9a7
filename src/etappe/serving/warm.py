"""Warm-up: compiles kernels and touches the snapshot's pages before the first customer has to wait for it."""

from datetime import UTC, datetime

from etappe.customers import records
from etappe.events.vocabulary import Purchase, ViewItem
from etappe.serving.decide import decide, state_of
from etappe.serving.moment import this_moment
from etappe.serving.request import Context, DecideRequest, Placement
from etappe.serving.view import View
from etappe.settings import Settings

_HISTORY = 5


def warm_up(view: View, settings: Settings) -> None:
    """Makes decisions of every kind for a customer of no consequence."""
    known = [view.catalogue.item(row).id for row in range(min(_HISTORY, len(view.catalogue)))] or ["none"]
    now = datetime.now(UTC)
    events = [*(ViewItem(item_id=one) for one in known), *(Purchase(item_id=one, price=1.0) for one in known)]
    tail = b"".join(records.encode(event, str(number), now) for number, event in enumerate(events))
    state = state_of(b"", tail, settings)
    places = [Placement(name="warm", filter={"price": {"gte": 0}})]
    for context in (Context(), Context(item=known[0], cart=known[:2])):
        request = DecideRequest(placements=places, context=context)
        decide(view, request, state, settings, this_moment())
        decide(view, request, None, settings, this_moment())
