"""An archiver killed at any point loses nothing and doubles nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from etappe import faults
from etappe.log import Log
from etappe.settings import Place
from etappe.store import keys
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving.archive import archive
from etappe.worker.archiving.rejected import FILE

SCRIPT = Path(__file__).with_name("killed_archive.py")
POINTS = [name for name in faults.POINTS if name.startswith("archive.")]
POINTS += ["log.stage.before_fsync", "log.commit.after_move", "log.commit.before_rename", "log.commit.after_rename"]


def _killed(place: Place, fault: str) -> int:
    environment = dict(os.environ) | {"ETAPPE_FAULT": fault}
    command = [sys.executable, str(SCRIPT), str(place.data), *([place.redis_url] if place.redis_url else [])]
    return subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode


def _fill(client: SyncRedis) -> set[str]:
    names = set[str]()
    for number in range(5):
        for stream in (1, 2):
            name = f"{stream}-{number}"
            event = {"event": "view_item", "event_id": name, "timestamp": "2026-03-01T12:00:00Z", "item_id": "i"}
            client.xadd(keys.stream(stream), {"s": b"s", "e": json.dumps(event)})
            names.add(name)
        row = {"action": "link", "subject": "aa", "customer": "bb", "kind": "k", "value": "v", "cause": "c"}
        client.xadd(keys.IDENTITY_STREAM, {"n": number, "t": 1_767_225_600_123, "p": json.dumps([row, row])})
        client.xadd(keys.DECISION_STREAM, {"d": f"d{number}", "t": 1_767_225_600_123, "s": b"", "r": "{}"})
        client.xadd(keys.CONFIG_STREAM, {"k": "items", "p": "[]"})
    client.xadd(keys.stream(3), {"no": "event"}, id="1-0")
    return names


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, client: SyncRedis, place: Place, log: Log) -> None:
    """Wherever it is killed, for the first time and again, in the end each entry is in the log once."""
    names = _fill(client)
    assert _killed(place, f"{point}:1") == -9
    client.xadd(
        keys.stream(3),
        {"s": b"s", "e": b'{"event":"view_item","event_id":"later","timestamp":"2026-03-01T12:00:00Z","item_id":"i"}'},
    )
    _killed(place, f"{point}:2")
    log.prepare()
    archive(client, log)
    assert sorted(log.scan("event").collect()["event_id"]) == sorted({*names, "later"})
    assert sorted(log.scan("identity").collect()["epoch"]) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert sorted(log.scan("decision").collect()["decision"]) == ["d0", "d1", "d2", "d3", "d4"]
    assert len(set(log.scan("config").collect()["position"])) == log.rows("config") == 5
    aside = [json.loads(line) for line in (place.data / "rejected" / FILE).read_text().splitlines()]
    assert {(one["stream"], one["id"]) for one in aside} == {(keys.stream(3), "1-0")}
    assert sum(client.xlen(name) for name in [*keys.streams(), keys.IDENTITY_STREAM, keys.DECISION_STREAM]) == 0  # type: ignore[misc]
