"""Category paths as codes, and which codes are below a path."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNCATEGORISED: Final = 0
"""The category code of items that have none."""


class Categories:
    """The paths by code; a code never changes, and paths that nobody has any more stay."""

    def __init__(self, names: Iterable[str] = ("",)) -> None:
        self.names: list[str] = []
        self._codes: dict[str, int] = {}
        self._below: dict[str, list[int]] = {}
        for name in names:
            self.code(name)

    def code(self, name: str) -> int:
        """The code of a path, a new one where it has none yet."""
        code = self._codes.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
            for path in _above(name):
                self._below.setdefault(path, []).append(code)
        return code

    def inside(self, paths: Iterable[str]) -> list[int]:
        """The codes of `paths` and of all below them, ascending."""
        return sorted({code for path in paths for code in self._below.get(path, ())})

    def below(self, paths: Iterable[str]) -> NDArray[np.bool_]:
        """bool[categories]: which codes are one of `paths` or below it."""
        found = np.zeros(len(self.names), np.bool_)
        found[self.inside(paths)] = True
        return found


def _above(name: str) -> Iterator[str]:
    """A category and all that it is below."""
    yield name
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)
