"""Which customer a subject belongs to, as one process has heard."""

from collections import OrderedDict
from typing import Final

from etappe.ids import Subject

_NEVER: Final = -1
_REMEMBERED: Final = 100_000


class Aliases:
    """Which customer a subject belongs to, as far as this process has heard; never trusted unchecked."""

    def __init__(self) -> None:
        self._roots: OrderedDict[Subject, tuple[Subject, int]] = OrderedDict()

    def root(self, subject: Subject) -> Subject:
        """The customer of a subject; itself where nothing else was heard."""
        known = self._roots.get(subject)
        return subject if known is None else known[0]

    def gone(self, subject: Subject) -> int:
        """When an alias was erased in an earlier life (Unix ms), -1 for never; a customer's is asked where need be."""
        known = self._roots.get(subject)
        return _NEVER if known is None else known[1]

    def heard(self, subject: Subject, root: Subject, gone: int) -> None:
        """Keeps in mind whose a subject is, and when it was erased before."""
        self._roots.pop(subject, None)
        if root != subject:
            self._roots[subject] = root, gone
        if len(self._roots) > _REMEMBERED:
            self._roots.popitem(last=False)
