"""Sizes of the shops of these tests."""

from datetime import UTC, datetime
from typing import Any, Final

from etappe.simulation import Shop, Size, simulate

END: Final = datetime(2026, 6, 30, 12, 34, 56, tzinfo=UTC)
SEEN: Final = Size(customers=2000, items=1000, days=120, seed=7, end=END)
"""The shop that tests share which only look at it: some 400,000 events."""


def small(**changes: Any) -> Size:
    """60 customers, 80 items and 30 days."""
    return Size(**({"customers": 60, "items": 80, "days": 30, "seed": 3, "end": END} | changes))


def small_shop(**changes: Any) -> Shop:
    """The shop of this size."""
    return simulate(small(**changes))
