"""Time zones by their names."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from etappe.errors import SettingsError


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; SettingsError where this machine does not know it."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"catalogue.time_zone {name!r} is not known here; install the package tzdata") from error
