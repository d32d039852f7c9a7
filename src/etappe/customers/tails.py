"""The records of a tail one by one, each with its blocks."""

from typing import Final

from etappe.customers import records
from etappe.customers.records import CARRIES_BLOCKS, decode_tail

WIDTH: Final = records.WIDTH


def events_of(tail: bytes) -> list[bytes]:
    """The records of `tail` with their blocks; the first 8 bytes of each are the event's hash."""
    decoded = decode_tail(tail)
    found: list[bytes] = []
    index = 0
    while index < len(decoded):
        blocks = int(decoded["quantity"][index]) if int(decoded["code"][index]) in CARRIES_BLOCKS else 0
        end = index + 1 + blocks
        found.append(tail[index * WIDTH : end * WIDTH])
        index = end
    return found
