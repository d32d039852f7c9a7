"""Units of time and memory, each as how many of the smaller make one of the larger."""

from typing import Final

SECONDS_PER_DAY: Final = 86_400
MICROSECONDS: Final = 1_000_000
"""In a second: times of events are in microseconds."""
MIB: Final = 1024 * 1024
"""Bytes in a mebibyte."""
