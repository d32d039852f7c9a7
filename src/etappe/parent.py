"""Whether the process that started this one still lives: what `etappe serve` starts must not outlive it."""

import os


def lost(parent: int | None) -> bool:
    """Whether the process `parent`, which started this one, is gone; never where it is not known."""
    return parent is not None and os.getppid() != parent
