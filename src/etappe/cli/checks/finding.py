"""What a check has found."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from etappe.wiring.inspecting import Inspected


class Level(StrEnum):
    """How a finding is marked; only a fault makes the command end with 1."""

    OK = "ok"
    WARNING = "warn"
    FAULT = "FAIL"


class Finding(NamedTuple):
    """One line of the report: what holds, or what is wrong and the remedy."""

    level: Level
    text: str


Check = Callable[[Inspected], Iterable[Finding]]
"""A check yields at least one finding. It changes nothing; an EtappeError or OSError it raises is a fault."""


def ok(text: str) -> Finding:
    """Something that is as it should be."""
    return Finding(Level.OK, text)


def warning(text: str) -> Finding:
    """Something to be mended before it becomes a fault."""
    return Finding(Level.WARNING, text)


def fault(text: str) -> Finding:
    """Something that is wrong now."""
    return Finding(Level.FAULT, text)
