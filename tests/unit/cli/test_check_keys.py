"""`etappe check` on what publishable keys are believed."""

from pathlib import Path

import pytest

from etappe.cli.checks import keys
from etappe.cli.checks.finding import Level
from etappe.settings import FILE_NAME, Place
from etappe.wiring.inspecting import inspected


@pytest.mark.parametrize(("told", "level"), [("", Level.OK), ('[keys]\nbrowser_orders = "trust"\n', Level.WARNING)])
def test_trust_in_browsers_orders_is_warned_of(tmp_path: Path, told: str, level: Level) -> None:
    """Claims are as it should be; where orders of browsers are trusted it says what that means and what to do."""
    (tmp_path / FILE_NAME).write_text(told)
    with inspected(Place(tmp_path)) as place:
        (found,) = keys.browser_orders(place)
    assert found.level is level
    assert ("secret key" in found.text) is (level is Level.WARNING)
