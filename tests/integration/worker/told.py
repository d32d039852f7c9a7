"""A customer with something of everything, and what is to be seen of a customer however it is kept."""

from collections.abc import Callable
from typing import Any

from etappe.customers.packed.base import pack
from etappe.customers.state import State, fold_state
from etappe.events.intake import Accepted
from etappe.ids import Subject
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord
from etappe.store.server.connection import SyncRedis

Accept = Callable[..., Accepted]


def record_of(client: SyncRedis, subject: Subject) -> CustomerRecord:
    """The record as Redis has it."""
    return customers.read_blocking(client, [subject])[0]


def shown(client: SyncRedis, subject: Subject) -> tuple[Any, ...]:
    """What of a customer's state does not depend on how it is kept."""
    record = customers.read_resolved(client, subject)
    state: State = fold_state(pack(fold_state(record.base, record.tail, 60.0).base), b"", 60.0)  # weights as packed
    items = {int(item["item"]): item.tobytes() for item in state.items}
    return items, state.base.totals.tobytes(), state.traits(), state.consents(), sorted(state.base.ring.tolist())


def happened(accept: Accept) -> list[Accepted]:
    """A customer's history, in order of time, with everything in it that records carry."""

    def at(second: int) -> str:
        return f"2026-02-01T00:00:{second:02d}Z"

    return [
        accept("e0", timestamp=at(0)),
        accept("e1", "set_traits", item_id=None, properties={"country": "DE", "text": "x" * 99}, timestamp=at(1)),
        accept("e2", "add_to_cart", item_id="b", price=2.5, timestamp=at(2)),
        accept("e3", "purchase", item_id="b", price=2.5, quantity=3, order_id="o", channel="web", timestamp=at(3)),
        accept(
            "e4", "set_consent", item_id=None, properties={"personalisation": True, "email": False}, timestamp=at(4)
        ),
        accept("e5", "rate", item_id="b", properties={"rating": 4}, price=2.5, timestamp=at(5)),
        accept("e6", "ignore", item_id="c", timestamp=at(6)),
        accept("e7", "refund", item_id=None, order_id="o", price=2.5, timestamp=at(7)),
        accept("e8", "set_traits", item_id=None, properties={"country": "AT"}, timestamp=at(8)),
    ]
