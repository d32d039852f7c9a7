"""Operators see numbers whatever has become of the folder through which serving processes share them."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, accept


@pytest.fixture
def server(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server of one process whose folder may be damaged."""
    with Server(copy_of()) as started:
        yield started


def _folder(server: Server) -> Path:
    return next((server.data / "run").glob("metrics-*"))


def _accepted(client: httpx.Client) -> float:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    found = [line for line in answer.text.splitlines() if line.startswith('etappe_events_total{status="accepted"}')]
    return float(found[0].split()[1]) if found else 0.0


@pytest.mark.parametrize("damage", ["gone", "emptied", "garbage", "a file"])
def test_metrics_without_their_folder(server: Server, template: Template, name: Callable[[], str], damage: str) -> None:
    """The folder removed, replaced or filled with garbage: the process asked shows what it counted, and counts on."""
    with server.client(template.secret) as client:
        accept(client, {"event": "login", "user_id": name()})
        assert _accepted(client) == 1.0
        folder = _folder(server)
        if damage == "garbage":
            longer_than_the_file = (10_000).to_bytes(4, "little")
            (folder / "counter_1.db").write_bytes((64).to_bytes(8, "little") + longer_than_the_file + b"x" * 60)
        elif damage == "emptied":
            for path in folder.iterdir():
                path.unlink()
        else:
            shutil.rmtree(folder)
            if damage == "a file":
                folder.write_text("")
        for count in (2.0, 3.0):
            accept(client, {"event": "login", "user_id": name()})
            assert _accepted(client) == count
        assert "of one process alone" in client.get("/metrics").text
        assert "restart `etappe serve`" in server.said
        assert "Traceback" not in server.said


def test_a_process_started_anew_makes_the_folder_anew(
    server: Server, template: Template, name: Callable[[], str]
) -> None:
    """A serving process that dies after its folder was removed comes back, and counts."""
    shutil.rmtree(_folder(server))
    [before] = server.serving()
    os.kill(before, signal.SIGKILL)
    waiting = Waiting()
    while waiting(server.serving() in ([], [before])):
        pass
    server.wait_until_ready()
    with server.client(template.secret) as client:
        accept(client, {"event": "login", "user_id": name()})
        assert _accepted(client) == 1.0
        assert "of one process alone" not in client.get("/metrics").text
