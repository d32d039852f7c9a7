"""Serving processes are started again where they die, not for ever, and end when they are told to."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from etappe.cli.running import processes
from etappe.cli.running.processes import Processes
from etappe.errors import EtappeError


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What this process does on signals is as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _running(monkeypatch: pytest.MonkeyPatch, script: str, count: int = 1) -> Processes:
    monkeypatch.setattr(processes, "_command", lambda *_: [sys.executable, "-c", script])
    return Processes("127.0.0.1", 1, count, os.environ)


def _asked_to_end_once(there: Path) -> None:
    """Sends this process SIGTERM once a file is there."""

    def wait() -> None:
        while not there.exists():
            threading.Event().wait(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def test_a_dead_process_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A process that dies is started again and said so, the other is left alone; SIGTERM ends the keeping."""
    died, again = tmp_path / "died", tmp_path / "again"
    script = f"""
import pathlib, time
try:
    pathlib.Path({str(died)!r}).touch(exist_ok=False)
except FileExistsError:
    pathlib.Path({str(again)!r} if pathlib.Path({str(died)!r}).read_text() else {str(died)!r}).open("a").write("x")
    time.sleep(60)
"""
    running = _running(monkeypatch, script, 2)
    _asked_to_end_once(again)
    running.keep()
    running.stop()
    assert [process.returncode for process in running._running] == [-signal.SIGTERM] * 2
    assert "has ended (0); starting another" in capfd.readouterr().err


def test_what_dies_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that cannot live is not started for ever; the message says where to look."""
    running = _running(monkeypatch, "raise SystemExit(3)")
    with pytest.raises(EtappeError, match="again and again"):
        running.keep()
    running.stop()


def test_a_process_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The end comes in bounded time whatever a process does on SIGTERM."""
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    deaf = tmp_path / "deaf"
    script = f"import pathlib, signal, time; signal.signal(15, lambda *_: None); pathlib.Path({str(deaf)!r}).touch(); time.sleep(60)"
    running = _running(monkeypatch, script)
    _asked_to_end_once(deaf)
    running.keep()
    running.stop()
    assert running._running[0].returncode == -signal.SIGKILL


def test_no_module_is_taken_from_where_a_command_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of the folder that has the name of a module is not run by a serving process."""
    run = tmp_path / "run"
    (tmp_path / "http.py").write_text(f"import pathlib; pathlib.Path({str(run)!r}).touch()")
    monkeypatch.chdir(tmp_path)
    command = processes._command("nowhere.invalid", 1)
    subprocess.run([*command[: command.index("serve")], "nothing"], capture_output=True, check=False)
    assert not run.exists()
