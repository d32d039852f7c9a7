"""How much a long-lived process looks for garbage: hardly at all, as next to nothing it makes holds on to itself."""

import gc
from typing import Final

_COLLECTED: Final = (10_000, 20, 20)
"""New objects before the youngest are looked through for garbage, and how often so before older ones are."""


def leave_alone() -> None:
    """What there is by now stays: nobody need look through it for garbage again, nor through little that is new.

    Where many objects are made at one time, as of what waits in the streams, looking takes longer than making them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
