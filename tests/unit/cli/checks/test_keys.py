"""`etappe check` on what publishable keys are believed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etappe.cli.checks import keys
from etappe.cli.checks.finding import Level
from etappe.log import Log, as_rows
from etappe.settings import FILE_NAME, Place
from etappe.wiring.inspecting import inspected


@pytest.mark.parametrize(("told", "level"), [("", Level.OK), ('[keys]\nbrowser_orders = "trust"\n', Level.WARNING)])
def test_trust_in_browsers_orders_is_warned_of(tmp_path: Path, told: str, level: Level) -> None:
    """Claims are as it should be; where orders of browsers are trusted it says what that means and what to do."""
    (tmp_path / FILE_NAME).write_text(told)
    with inspected(Place(tmp_path)) as place:
        (found,) = keys.browser_orders(place)
    assert found.level is level
    assert ("send orders" in found.text) is (level is Level.WARNING)


_CLAIM = ("o-1", "stream", True)
_LEVELS = [
    ([_CLAIM], Level.WARNING),
    ([_CLAIM, ("till-7", "import:native", None)], Level.WARNING),
    ([_CLAIM, ("o-2", "stream", None)], Level.OK),
    ([_CLAIM, ("o-1", "import:native", None)], Level.OK),
    ([("o-2", "stream", None)], Level.OK),
]


@pytest.mark.parametrize(("bought", "level"), _LEVELS)
def test_a_shop_whose_browsers_alone_tell_of_orders_is_warned(
    tmp_path: Path, bought: list[tuple[str, str, bool | None]], level: Level
) -> None:
    """Claims that no server tells of count for nothing: the warning says how many, and what to do."""
    log = Log(tmp_path / "log")
    log.prepare()
    orders, sources, claims = zip(*bought, strict=True)
    columns = {
        "event": ["purchase"] * len(bought),
        "time": [datetime(2026, 1, 1, tzinfo=UTC)] * len(bought),
        "order_id": list(orders),
        "source": list(sources),
        "claim": list(claims),
    }
    with log.transaction("test") as into:
        into.add("event", as_rows("event", columns))
    with inspected(Place(tmp_path)) as place:
        (found,) = keys.browser_orders(place)
    assert found.level is level
    assert ("no server: 1 in" in found.text) is (level is Level.WARNING)
