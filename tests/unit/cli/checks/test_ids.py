"""`etappe check` on ids that look like nobody's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etappe.cli.checks import ids
from etappe.cli.checks.finding import Level
from etappe.log import Log, as_rows
from etappe.settings import FILE_NAME, Place
from etappe.wiring.inspecting import inspected


@pytest.mark.parametrize(
    ("user", "told", "level"),
    [("ada", "", Level.OK), ("guest", "", Level.WARNING), ("guest", '[values]\nalso_nobody = ["Guest"]\n', Level.OK)],
)
def test_doubtful_ids_are_warned_of(tmp_path: Path, user: str, told: str, level: Level) -> None:
    """An id that looks like nobody's is named with the setting; one that is in the setting no more."""
    (tmp_path / FILE_NAME).write_text(told)
    log = Log(tmp_path / "log")
    log.prepare()
    with log.transaction("test") as into:
        at = [datetime(2026, 1, 1, tzinfo=UTC)]
        into.add("event", as_rows("event", {"event": ["view_item"], "time": at, "user_id": [user]}))
    with inspected(Place(tmp_path)) as place:
        (found,) = ids.doubtful_ids(place)
    assert found.level is level
    assert ("values.also_nobody" in found.text) is (level is Level.WARNING)


def test_an_empty_log(tmp_path: Path) -> None:
    """Where nothing has come in nothing is doubtful."""
    with inspected(Place(tmp_path)) as place:
        (found,) = ids.doubtful_ids(place)
    assert found.level is Level.OK
