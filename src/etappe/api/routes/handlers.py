"""All routes there are: what the application answers, and what the documentation has to name."""

from etappe.api.routes import (
    collect,
    consent,
    customers,
    decide,
    events,
    health,
    identities,
    items,
    lists,
    personal_data,
    segment,
    visitor,
)

HANDLERS = [
    *events.HANDLERS,
    *decide.HANDLERS,
    *lists.HANDLERS,
    *items.HANDLERS,
    *customers.HANDLERS,
    *identities.HANDLERS,
    *consent.HANDLERS,
    *personal_data.HANDLERS,
    *segment.HANDLERS,
    *collect.HANDLERS,
    *visitor.HANDLERS,
    *health.HANDLERS,
]
