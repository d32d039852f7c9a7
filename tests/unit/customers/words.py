"""Words of consent as clients say them, and a naive reading of who has the last one."""

from collections.abc import Sequence
from typing import Final

import msgspec
from hypothesis import strategies as st

MINUTE: Final = 60_000_000
SKEW: Final = 10 * MINUTE


class Heard(msgspec.Struct, frozen=True):
    """A word on some purposes: its verdict, when it arrived, and when it was said by its client's clock (Unix us)."""

    granted: bool
    said: int
    arrived: int
    purposes: tuple[str, ...] = ("personalisation",)


LATE: Final = st.sampled_from([-600, -5, 0, 0, 1, 3, 5, 9, 10, 11, 15, 60, 3000]).map(lambda late: late * MINUTE)
"""How much later than it says a word arrives: sent late, or by a clock that is slow."""
PAUSE: Final = st.sampled_from([1, 1_000_000, MINUTE, 4 * MINUTE, 30 * MINUTE])
_PURPOSES: Final = st.lists(st.sampled_from(["personalisation", "email"]), min_size=1, max_size=2, unique=True)


def histories(start: int, *, most: int = 8, several: bool = False) -> st.SearchStrategy[list[Heard]]:
    """Words in order of arrival, the first after `start`."""

    def of(steps: list[tuple[bool, int, int, list[str]]]) -> list[Heard]:
        arrived, found = start, []
        for granted, late, pause, purposes in steps:
            arrived += pause
            found.append(Heard(granted, arrived - late, arrived, tuple(purposes) if several else ("personalisation",)))
        return found

    return st.lists(st.tuples(st.booleans(), LATE, PAUSE, _PURPOSES), max_size=most).map(of)


def last_word(heard: Sequence[Heard], purpose: str = "personalisation") -> bool | None:
    """Whether `purpose` is granted in the end, None where nobody spoke of it.

    A grant takes a denial back where it was said no earlier, a denial a grant unless that was said later by more than
    SKEW; nothing is said after it arrived.
    """
    state: tuple[bool, int] | None = None
    for one in heard:
        if purpose not in one.purposes:
            continue
        said = min(one.said, one.arrived)
        if state is None:
            state = one.granted, said
        elif state[0] is one.granted:
            state = one.granted, max(said, state[1])
        elif said >= state[1] if one.granted else said + SKEW >= state[1]:
            state = one.granted, said
    return None if state is None else state[0]
