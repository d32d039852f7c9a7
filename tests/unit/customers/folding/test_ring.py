"""Hashes of the last events, each with its day."""

import numpy as np
import pytest
from tests.unit.customers.histories import BEGIN_SECONDS, HALF_LIFE, folded, many, tail_of

from etappe.customers.folding import ring
from etappe.customers.folding.ring import DAYS
from etappe.customers.packed.aging import aged
from etappe.customers.packed.base import EMPTY
from etappe.customers.records import decode_tail
from etappe.customers.state import extend

DAY = 86_400
EVENTS = decode_tail(tail_of(many("view_item", 4, apart=DAY)))
FIRST = BEGIN_SECONDS // DAY


def _days(now: object) -> list[int]:
    found: list[int] = extend(EMPTY, EVENTS, [], HALF_LIFE, now=now).arrived["day"].tolist()  # type: ignore[arg-type]
    return found


def test_the_day_is_that_of_coming_in() -> None:
    """What came in now is of today however old it says it is; of each its own time where that is not known."""
    assert _days(BEGIN_SECONDS + 90.5 * DAY) == [FIRST + 90] * 4
    assert [FIRST + day for day in (9, 8, 7, 6)] == _days(BEGIN_SECONDS + np.array([9.9, 8, 7.5, 6]) * DAY)
    assert [FIRST + day for day in range(4)] == _days(None)


@pytest.mark.parametrize("hour", [0.0, 23.99])
def test_a_hash_stays_for_seven_whole_days(hour: float) -> None:
    """At any hour of the eighth day a hash is known still, whenever on its day it came in; on the ninth it is gone."""
    base = extend(EMPTY, EVENTS[:1], [], HALF_LIFE, now=BEGIN_SECONDS + hour * 3600)
    end = BEGIN_SECONDS + hour * 3600 + DAYS * DAY
    assert len(aged(base, end).ring) == 1
    assert len(aged(base, end + DAY).ring) == 0


def test_packed_hashes_come_first() -> None:
    """Hashes one behind the other, then the days; what is cut off is refused."""
    arrived = extend(EMPTY, EVENTS, [], HALF_LIFE).arrived
    packed = ring.pack(arrived)
    assert packed[:32] == arrived["event"].tobytes()
    assert ring.unpack(packed).tobytes() == arrived.tobytes()
    with pytest.raises(ValueError, match="39 bytes are no hashes"):
        ring.unpack(packed[:-1])


def test_days_are_folded_on() -> None:
    """A later fold leaves the days of earlier ones as they are."""
    once = folded(EMPTY, many("view_item", 2, apart=DAY))
    twice = folded(once, many("view_item", 3, start=9, apart=DAY))
    assert [FIRST + day for day in (0, 1, 9, 10, 11)] == twice.arrived["day"].tolist()
