"""A log whose process is killed at any point has exactly what was acknowledged, perhaps with what was under way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.log.entered import ids, parquet
from tests.integration.log.killed_log import LIMITS, ROUNDS, rows

from etappe import faults
from etappe.log import Log

SCRIPT = Path(__file__).with_name("killed_log.py")
POINTS = [name for name in faults.POINTS if name.startswith("log.")]


def _killed(folder: Path, fault: str) -> tuple[list[list[str]], int]:
    """What a process said before it was killed, and its exit code."""
    environment = dict(os.environ) | {"ETAPPE_FAULT": fault}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return [line.split() for line in done.stdout.splitlines()], done.returncode


def _possible(said: list[list[str]]) -> list[set[str]]:
    """The sets of ids that the log may have after a process has said so much."""
    rounds = sum(word == "added" for word, _ in said)
    states = [_after(rounds, rewritten=["rewritten", f"{ROUNDS // 2}"] in said)]
    if said[-1][0] == "adding":
        states.append(_after(rounds + 1, rewritten=["rewritten", f"{ROUNDS // 2}"] in said))
    if said[-1][0] == "rewriting":
        states.append(_after(rounds, rewritten=True))
    return states


def _after(rounds: int, *, rewritten: bool) -> set[str]:
    kept = range(ROUNDS // 2 + 1 if rewritten else 0, rounds)
    return {name for number in range(rounds) for name in (f"e{number}", f"f{number + 1}")} | {f"x{n}" for n in kept}


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, count: int, tmp_path: Path) -> None:
    """Rows and stream positions are those acknowledged, no file is left over, and the log goes on from there."""
    folder = tmp_path / "log"
    said, code = _killed(folder, f"{point}:{count}")
    assert code == -9 or (count > 1 and code == 0)
    reader = Log(folder)
    before = ids(reader.scan("event"))
    log = Log(folder)
    log.prepare()
    found = ids(log.scan("event"))
    assert found == before
    assert len(found) == len(set(found))
    assert set(found) in _possible(said)
    rounds = sum(name.startswith("e") for name in found)
    assert log.streams() == ({"s": f"{rounds - 1}-0"} if rounds else {})
    assert {file.path for file in log.state().of("event")} <= set(parquet(log))
    _goes_on(log, found)
    assert ids(reader.scan("event", position=log.position())) == ids(log.scan("event"))


def _goes_on(log: Log, found: list[str]) -> None:
    with log.transaction("test") as into:
        into.add("event", rows("z0"))
    for _ in range(3):
        log.compact(LIMITS)
    assert sorted(ids(log.scan("event"))) == sorted([*found, "z0"])
    log.prepare()
    assert parquet(log) == sorted(file.path for file in log.state().of("event"))
    assert list((log.folder / ".staging").iterdir()) == []
