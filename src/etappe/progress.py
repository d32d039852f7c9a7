"""How long work says how far it is, without knowing whether a terminal watches."""

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on: `done` of `total` of `what` (total 0 where it is not known)."""

    def __call__(self, what: str, done: int, total: int = 0) -> None:
        """Takes note; must be cheap enough to call some hundred times."""


def silent(what: str, done: int, total: int = 0) -> None:
    """A progress nobody watches."""
