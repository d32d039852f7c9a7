"""Time zones by their names."""

from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from etappe.errors import SettingsError

_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""What the zone database has beside zones: Polars knows none of them, and each machine means something else."""


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; SettingsError where this machine does not know it."""
    if name == "UTC":
        return UTC
    try:
        zone = None if name in _NO_PLACES else ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        zone = None
    if zone is None:
        remedy = "use a name as in Europe/Berlin, or install the package tzdata"
        raise SettingsError(f"catalogue.time_zone {name!r} is no time zone that is known here; {remedy}")
    return zone
