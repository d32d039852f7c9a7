"""Logs that earlier versions wrote are read by this one, and Redis is rebuilt from them as it was."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.write_log import SECRET, story, told

from etappe.events.vocabulary import TYPES
from etappe.ids import HASH_BITS
from etappe.log import Log, damage
from etappe.progress import silent
from etappe.settings import Place, Settings
from etappe.store.server import connection
from etappe.wiring.restoring import rebuild

FIXTURES = Path(__file__).parents[2] / "fixtures"
LOGS = sorted(path.name for path in FIXTURES.glob("log-*"))


@pytest.fixture(params=LOGS)
def kept(request: pytest.FixtureRequest, place: Place) -> dict[str, Any]:
    """What a version wrote down of its log, a copy of which is in the place."""
    folder = FIXTURES / str(request.param)
    shutil.copytree(folder, place.data, dirs_exist_ok=True)
    held: dict[str, Any] = msgspec.json.decode((folder / "held.json").read_bytes())
    return held


def test_rows(kept: dict[str, Any], place: Place) -> None:
    """Each table has the rows that were written, merged files and those behind a checkpoint too."""
    log = Log(place.data / "log")
    log.prepare()
    assert {table: log.scan(table).collect().height for table in kept["rows"]} == kept["rows"]


def test_whole(kept: dict[str, Any], place: Place) -> None:
    """Every file is found whole, by its checksum where its version noted one."""
    log = Log(place.data / "log")
    log.prepare()
    assert kept["rows"]
    assert [one.file.path for one in damage.deep(log.folder, log.state().all())] == []


def test_every_kind_of_event_is_kept() -> None:
    """A kind that is added belongs into a log of its version: run `python -m tests.fixtures.write_log`."""
    assert {event["event"] for events in story() for event in events} == set(TYPES)
    assert LOGS


def test_customers(kept: dict[str, Any], place: Place) -> None:
    """Records, traits, consents and identities come back from it as they were."""
    (place.data / "etappe.toml").write_text("[store]\ncustomer_days = 36500\n")  # the log grows old, the test does not
    settings = Settings()
    assert rebuild(place, silent).missing == []
    with connection.connect(place) as client:
        assert connection.secret(client, place.data) == SECRET
        found = {name: told(client, settings, name) for name in kept["customers"]}
    assert {name: _as_known_now(one) for name, one in kept["customers"].items()} == found


def _as_known_now(held: dict[str, Any]) -> dict[str, Any]:
    """What a version wrote down, with hashes as short as they are now, and the rounding of weights allowed for."""
    items = sorted(hashed & 2**HASH_BITS - 1 for hashed in held["items"])
    return held | {"items": items, "weight": pytest.approx(held["weight"], rel=1e-5)}
