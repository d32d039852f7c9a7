"""A process that is started while another thread forks."""

import os
import sys
import threading
from typing import Any

import pytest

from etappe.store.server import embedded
from etappe.store.server.embedded import started


def test_no_fork_while_a_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork in another thread waits until the process runs, and so cannot hold up who started it."""
    order: list[str] = []
    begun = threading.Event()
    real = embedded.subprocess.Popen

    def fork() -> None:
        begun.wait(10)
        child = os.fork()
        if child == 0:
            os._exit(0)
        order.append("forked")
        os.waitpid(child, 0)

    def popen(*arguments: Any, **options: Any) -> Any:
        begun.set()
        thread.join(0.3)  # time enough for a fork that does not wait
        process = real(*arguments, **options)
        order.append("started")
        return process

    thread = threading.Thread(target=fork)
    monkeypatch.setattr(embedded.subprocess, "Popen", popen)
    thread.start()
    process = started([sys.executable, "-c", ""])
    thread.join(10)
    assert process.wait(10) == 0
    assert order == ["started", "forked"]
