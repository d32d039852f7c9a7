"""Files that a format knows already, so that they need no mapping."""

from collections.abc import Collection
from typing import Final

from etappe.importing.judging import checks
from etappe.importing.reading.columns import key
from etappe.importing.reading.dialect import Dialect

_PAYLOADS: Final = {
    "segment": ({"type", "messageId"}, {"type", "userId"}, {"type", "anonymousId"}, {"batch"}),
    "ga4": ({"event_name", "event_timestamp"}, {"client_id", "events"}, {"app_instance_id", "events"}),
}
_TABLES: Final = {
    "online-retail": (
        {"InvoiceNo", "StockCode", "UnitPrice", "CustomerID"},
        {"Invoice", "StockCode", "Price", "Customer ID"},
    ),
    "rees46": ({"event_time", "event_type", "product_id", "user_session"},),
}
_NATIVE: Final = frozenset(key(name) for name in checks.COLUMNS)


def payloads(dialect: Dialect, header: Collection[str]) -> str | None:
    """The format of another system's messages, whose events are inside them; None where it is none."""
    if dialect.kind != "json":
        return None
    return next((name for name, marks in _PAYLOADS.items() if any(mark <= set(header) for mark in marks)), None)


def table(header: Collection[str]) -> str | None:
    """The format that knows a table with these columns; None where a mapping has to say what they are."""
    keys = {key(name) for name in header}
    if {"event", "timestamp"} <= keys <= _NATIVE:
        return "native"
    return next((name for name, marks in _TABLES.items() if any(mark <= set(header) for mark in marks)), None)
