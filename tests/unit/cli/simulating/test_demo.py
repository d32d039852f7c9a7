"""`etappe demo` before it serves."""

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from etappe.cli.simulating import demo
from etappe.errors import EtappeError


def test_a_port_taken_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever has come to listen there while the shop was made is not asked in place of our own server."""
    with socket.socket() as free:
        free.bind((demo.HOST, 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:

        def taken(_place: object) -> tuple[Any, None]:
            other = stack.enter_context(socket.socket())
            other.bind((demo.HOST, port))
            other.listen()
            return None, None

        monkeypatch.setattr(demo, "_set_up", taken)
        monkeypatch.setattr(demo, "_served", lambda *_: pytest.fail("served all the same"))
        with pytest.raises(EtappeError, match=f"cannot listen on {demo.HOST}:{port}"):
            demo.demo(port=port, data=tmp_path, once=True)
