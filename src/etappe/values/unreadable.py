"""What a reader of values raises."""

from typing import Final

from etappe.errors import InputError

_SHOWN: Final = 64
_LARGEST: Final = 10**64


class Unreadable(InputError, ValueError):  # noqa: N818 - it says of a value what it is
    """A value that is not what its place asks for. `reason` says why, of few kinds, without the value."""

    def __init__(self, reason: str, value: object, *, field: str | None = None) -> None:
        shown = repr(value) if not isinstance(value, int) or abs(value) < _LARGEST else "a number of many digits"
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        super().__init__(f"{field}: {shown} is {reason}" if field else f"{shown} is {reason}", field=field)
        self.reason = reason
        self.value = value

    def of(self, field: str) -> "Unreadable":
        """The same said of `field`."""
        return Unreadable(self.reason, self.value, field=field)


ABSENT: Final = frozenset({"", "null", "\\n", "none", "(none)", "(not set)"})
"""What databases and programs write, in lower case, where there is no number and no time."""


def is_absent(value: object) -> bool:
    """Whether a cell or a member says that there is no value."""
    return value is None or (isinstance(value, str) and value.strip().lower() in ABSENT)
