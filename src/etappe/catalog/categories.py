"""Category paths as codes, and which codes are below a path."""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNCATEGORISED: Final = 0
"""The category code of items that have none."""
_LEVELS: Final = re.compile("[>\u203a\u00bb]")
"""What parts levels where it is not a slash: the sign of breadcrumbs, and its typographic kin."""


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
            for above in _above(name):
                self._below.setdefault(above, []).append(code)
        return code

    def inside(self, paths: Iterable[str]) -> list[int]:
        """The codes of `paths`, however their levels are parted, and of all below them, ascending."""
        return sorted({code for text in paths for code in self._below.get(path(text), ())})

    def below(self, paths: Iterable[str]) -> NDArray[np.bool_]:
        """bool[categories]: which codes are one of `paths` or below it."""
        found = np.zeros(len(self.names), np.bool_)
        found[self.inside(paths)] = True
        return found


def path(text: str) -> str:
    """A category as a path: "Home > Lighting > Lamps/Bulbs" is "Home/Lighting/Lamps-Bulbs".

    Levels stand between `>` or signs of its kind, else between `/`. Blanks around them, and levels without a name, are
    left out. Entities of HTML are their signs.
    """
    if "&" in text:
        text = html.unescape(text)  # feeds write &gt;
    levels = _LEVELS.split(text)
    if len(levels) > 1:
        return "/".join(part.strip().replace("/", "-") for part in levels if part.strip())
    if "/" in text or text != text.strip():
        return "/".join(part.strip() for part in text.split("/") if part.strip())
    return text


def _above(name: str) -> Iterator[str]:
    """A category and all that it is below."""
    yield name
    place = name.find("/")
    while place >= 0:
        yield name[:place]
        place = name.find("/", place + 1)
