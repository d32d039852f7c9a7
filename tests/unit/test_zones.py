"""Time zones by their names."""

from datetime import UTC, datetime, timedelta

import pytest

from etappe.errors import SettingsError
from etappe.zones import zone_of


def test_a_name_is_a_zone_or_an_error_of_the_settings() -> None:
    """UTC needs no database of zones, others keep their summer time, and one that does not exist is named."""
    assert zone_of("UTC") is UTC
    assert datetime(2026, 7, 1, tzinfo=zone_of("Europe/Berlin")).utcoffset() == timedelta(hours=2)
    with pytest.raises(SettingsError, match="Mars/Olympus"):
        zone_of("Mars/Olympus")


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory"])
def test_what_the_database_has_beside_zones_is_none(name: str) -> None:
    """Polars reads the same names: what only the machine's database knows is refused before it gets there."""
    with pytest.raises(SettingsError, match=name):
        zone_of(name)
