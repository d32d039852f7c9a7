"""The embedded server: one for each data folder, found by all, outliving crashes."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from etappe.errors import StoreError
from etappe.settings import Place
from etappe.store.server import connection, embedded, memory
from etappe.store.server.embedded import EmbeddedServer

OTHER_PROCESS = """
import sys
from pathlib import Path
from etappe.store.server.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.open()
print(server._client().info("server")["run_id"], flush=True)
sys.stdin.read()
server.close()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """An open server."""
    found = EmbeddedServer(tmp_path / "data")
    found.open()
    yield found
    found.close()


def _info(server: EmbeddedServer) -> dict[str, Any]:
    client = server._client()
    try:
        return dict(client.info("server"))
    finally:
        client.close()


def _call(server: EmbeddedServer, *command: str) -> Any:
    client = server._client()
    try:
        return client.execute_command(*command)
    finally:
        client.close()


def _kill(server: EmbeddedServer) -> None:
    os.kill(int(_info(server)["process_id"]), signal.SIGKILL)
    while not server._gone():
        pass


def _in_another_process(data: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_answers_on_a_socket_of_its_own(server: EmbeddedServer, tmp_path: Path) -> None:
    """The server listens on a socket in the data folder that only its user may open, and on no port."""
    assert (_info(server)["tcp_port"], server.socket.stat().st_mode & 0o777) == (0, 0o700)
    assert tmp_path / "data" / "valkey" / "valkey.sock" == server.socket


def test_writes_are_synced(server: EmbeddedServer) -> None:
    """Every write is on the disk when it is answered, and nothing is ever thrown out for room."""
    client = server._client()
    assert connection.durability_warning(client) is None
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_two_in_one_process(server: EmbeddedServer, tmp_path: Path) -> None:
    """Whoever comes later finds the server, and whoever leaves leaves it to the others."""
    other = EmbeddedServer(tmp_path / "data")
    other.open()
    assert _info(server)["run_id"] == _info(other)["run_id"]
    other.close()
    assert _call(server, "PING")


def test_two_processes(server: EmbeddedServer, tmp_path: Path) -> None:
    """Another process finds the same server; it stays up for it when the one that started it leaves."""
    run_id = _info(server)["run_id"]
    with _in_another_process(tmp_path / "data") as other:
        assert other.stdout is not None
        assert f"{run_id}\n" == other.stdout.readline()
        server.close()
        assert run_id == _info(server)["run_id"]
        other.communicate("")
    assert other.returncode == 0
    assert server._gone()


def test_last_one_out_stops_it(tmp_path: Path) -> None:
    """When its last user has left the server is gone, process and socket; what it held is there next time."""
    server = EmbeddedServer(tmp_path / "data")
    server.open()
    _call(server, "SET", "key", "value")
    server.close()
    assert (server._gone(), server.socket.exists()) == (True, False)
    server.open()
    assert _call(server, "GET", "key") == b"value"
    server.close()


def test_closing_twice(server: EmbeddedServer) -> None:
    """Closing what is closed does nothing."""
    server.close()
    server.close()
    assert server._gone()


def test_killed_user_does_not_stop_it(server: EmbeddedServer, tmp_path: Path) -> None:
    """A process killed with -9 leaves no trace: the server runs on, and stops when the others have left."""
    with _in_another_process(tmp_path / "data") as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    assert _call(server, "PING")
    server.close()
    assert server._gone()


def test_orphaned_server_is_found(tmp_path: Path) -> None:
    """A server whose users were all killed runs on and is found by the next one."""
    with _in_another_process(tmp_path / "data") as other:
        assert other.stdout is not None
        run_id = other.stdout.readline().strip()
        other.kill()
    server = EmbeddedServer(tmp_path / "data")
    server.open()
    assert run_id == _info(server)["run_id"]
    server.close()
    assert server._gone()


def test_stale_socket(server: EmbeddedServer, tmp_path: Path) -> None:
    """A server killed with -9 leaves its socket behind; the next one starts all the same, with all that was accepted."""
    _call(server, "SET", "key", "value")
    _kill(server)
    assert server.socket.exists()
    other = EmbeddedServer(tmp_path / "data")
    other.open()
    assert _call(other, "GET", "key") == b"value"
    other.close()


def test_ensure_starts_it_again(server: EmbeddedServer) -> None:
    """A server that died under its users is started again, and one that runs is left alone."""
    _call(server, "SET", "key", "value")
    before = _info(server)["run_id"]
    server.ensure()
    assert before == _info(server)["run_id"]
    _kill(server)
    server.ensure()
    assert (_call(server, "GET", "key"), before != _info(server)["run_id"]) == (b"value", True)


def test_slow_server_is_never_joined_by_a_second(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer for a while is waited for, never replaced: two would spoil one append-only file."""
    info = _info(server)
    retry = Retry(NoBackoff(), 0)
    monkeypatch.setattr(embedded, "START_SECONDS", 0.05)
    monkeypatch.setattr(
        server, "_client", lambda: redis.Redis(unix_socket_path=str(server.socket), socket_timeout=0.02, retry=retry)
    )
    os.kill(int(info["process_id"]), signal.SIGSTOP)
    try:
        with pytest.raises(StoreError, match="runs but does not answer"):
            server.ensure()
    finally:
        os.kill(int(info["process_id"]), signal.SIGCONT)
    monkeypatch.undo()
    server.ensure()
    assert info["run_id"] == _info(server)["run_id"]


@pytest.mark.parametrize("folder", ["x" * 120, "with spaces and 'quotes' and ü"])
def test_folders_of_any_name(tmp_path: Path, folder: str) -> None:
    """A data folder whose path is longer than a socket's may be, or has spaces and quotes, works as any other."""
    server = EmbeddedServer(tmp_path / folder)
    server.open()
    other = EmbeddedServer(tmp_path / folder)
    assert _call(server, "SET", "key", "value")
    assert (b"value", server.socket) == (_call(other, "GET", "key"), other.socket)
    assert len(os.fsencode(server.socket)) < 108
    server.close()
    assert not server.socket.exists()


def test_long_folder_by_another_name(tmp_path: Path) -> None:
    """A long data folder reached through a link is the same folder, with the same server."""
    (tmp_path / ("x" * 120)).mkdir()
    (tmp_path / ("y" * 120)).symlink_to(tmp_path / ("x" * 120))
    assert EmbeddedServer(tmp_path / ("x" * 120)).socket == EmbeddedServer(tmp_path / ("y" * 120)).socket


def test_start_failure_is_told(tmp_path: Path) -> None:
    """Where the server cannot start the error quotes its last words, and nothing keeps the folder busy."""
    server = EmbeddedServer(tmp_path / "data")
    server.open()
    _call(server, "SET", "key", "value")
    server.close()
    (damaged,) = (tmp_path / "data" / "valkey" / "appendonlydir").glob("*.incr.aof")
    whole = damaged.read_bytes()
    damaged.write_bytes(b"garbage" + whole)
    with pytest.raises(StoreError, match=r"the embedded Valkey server did not start: .*Bad file format"):
        server.open()
    damaged.write_bytes(whole)
    server.open()
    assert _call(server, "GET", "key") == b"value"
    server.close()
    assert server._gone()


def test_machine_without_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package carries no server for this machine the remedy is an external one."""
    monkeypatch.setattr(embedded, "files", lambda _package: tmp_path)
    with pytest.raises(StoreError, match="carries no server for this machine; set ETAPPE_REDIS"):
        EmbeddedServer(tmp_path / "data").open()


def test_external_place_starts_nothing(tmp_path: Path) -> None:
    """Where an external Redis is named no server is started and no folder made."""
    with connection.server(Place(tmp_path / "data", redis_url="redis://host")):
        assert not (tmp_path / "data").exists()


def test_a_process_forked_meanwhile_holds_no_lock(tmp_path: Path) -> None:
    """A process that another thread forks while the server is being looked after does not keep others from doing so."""
    server = EmbeddedServer(tmp_path)
    server.folder.mkdir()
    told, tell = os.pipe()
    with server._starting():
        child = os.fork()
        if child == 0:
            os.write(tell, b"forked")
            time.sleep(30)
            os._exit(0)
        assert os.read(told, 6) == b"forked"
    try:
        with (server.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("container", [None, 64 << 20])
def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: int | None) -> None:
    """The server may hold half of what the machine or the container has, and drops nothing when it has come to that."""
    limit = tmp_path / "memory.max"
    limit.write_text(f"{container}\n" if container else "max\n")
    monkeypatch.setattr(embedded, "_CONTAINER", limit)
    whole = container or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert ["noeviction", whole // 2] == _memory_of(EmbeddedServer(tmp_path / "data"))


def test_memory_can_be_set(tmp_path: Path) -> None:
    """`store.memory_mib` says how much it is."""
    (tmp_path / "etappe.toml").write_text("[store]\nmemory_mib = 48\n")
    assert _memory_of(EmbeddedServer(tmp_path)) == ["noeviction", 48 << 20]


def _memory_of(server: EmbeddedServer) -> list[Any]:
    server.open()
    client = server._client()
    try:
        found = memory.memory_of(client)
    finally:
        client.close()
        server.close()
    return [found.policy, found.most]
