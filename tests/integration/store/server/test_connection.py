"""Connections: what is no server to work with is refused in words, and the secret is the same everywhere."""

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from etappe.errors import StoreError, StoreUnavailableError
from etappe.settings import Place
from etappe.store import keys, scripts
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis


def test_check_writes_nothing(client: SyncRedis) -> None:
    """A server is checked without loading scripts: one that is full may refuse that, and has to be drained first."""
    client.script_flush()
    connection.check(client, Place(Path("/d")))
    assert client.script_exists(*[script.digest for script in scripts.ALL]) == [False] * len(scripts.ALL)


def test_forgotten_scripts_are_loaded_when_called(client: SyncRedis) -> None:
    """A script that the server does not have is sent in full, once."""
    client.script_flush()
    for _ in range(2):
        connection.run_script(client, scripts.CLEAN, ["dirty"], ["subject", 1])
    assert client.script_exists(scripts.CLEAN.digest) == [True]


@pytest.mark.parametrize(("version", "refused"), [("6.0.16", True), ("5.0", True), ("6.2.0", False), ("10.0.1", False)])
def test_old_server_is_refused(version: str, refused: bool, monkeypatch: pytest.MonkeyPatch, client: SyncRedis) -> None:
    """A server older than 6.2 is refused, naming its version; 10 is not older than 6."""
    monkeypatch.setattr(client, "info", lambda _section: {"redis_version": version})
    place = Place(Path("/d"), redis_url="redis://user:pass@host:1/0")
    if refused:
        with pytest.raises(StoreError, match=rf"redis://host:1/0 is Redis {version}; Etappe needs 6\.2"):
            connection.check(client, place)
    else:
        connection.check(client, place)


@pytest.mark.parametrize("url", ["unix:///nowhere/redis.sock", "redis://127.0.0.1:1/0"])
def test_no_server(url: str, tmp_path: Path) -> None:
    """Where nothing answers the error names the address and asks whether it is right."""
    with (
        pytest.raises(StoreUnavailableError, match=rf"{url} does not answer .*is the address right\?"),
        connection.connect(Place(tmp_path, redis_url=url)),
    ):
        pytest.fail("there is no server")


def test_server_that_goes_away(client: SyncRedis, place: Place) -> None:
    """A connection that breaks while it is used is told as a server that does not answer."""
    with pytest.raises(StoreUnavailableError, match="does not answer"), connection.connect(place):
        raise redis.ConnectionError("gone")


@pytest.mark.parametrize("url", ["http://host", "nonsense"])
def test_bad_url_is_refused(url: str, tmp_path: Path) -> None:
    """What is no Redis URL is refused with an example of one."""
    with pytest.raises(StoreError, match=r"ETAPPE_REDIS is no Redis URL: .*use redis://host:6379/0"):
        connection.blocking_client(Place(tmp_path, redis_url=url))


def test_password_is_not_shown() -> None:
    """Messages name a Redis without user and password, and the embedded server by its folder."""
    urls = ["redis://:pa@ss@host:6379/0", "rediss://me:pass@host", "unix:///run/redis.sock"]
    assert [connection.shown(Place(Path("/d"), redis_url=url)) for url in urls] == [
        "redis://host:6379/0",
        "rediss://host",
        "unix:///run/redis.sock",
    ]
    assert connection.shown(Place(Path("/d"))) == "the embedded server in /d"


@pytest.fixture
def configured(client: SyncRedis) -> Iterator[SyncRedis]:
    """A server whose durability is put back afterwards."""
    yield client
    client.config_set("appendonly", "yes")
    client.config_set("appendfsync", "always")


@pytest.mark.parametrize(
    ("changes", "says"),
    [({}, None), ({"appendfsync": "everysec"}, "set appendfsync always"), ({"appendonly": "no"}, "set appendonly yes")],
)
def test_durability_warning(configured: SyncRedis, changes: dict[str, Any], says: str | None) -> None:
    """A server that may lose accepted events is told of with the setting to change; both of ours lose none."""
    for name, value in changes.items():
        configured.config_set(name, value)
    warning = connection.durability_warning(configured)
    assert (says is None) is (warning is None)
    assert (says or "") in (warning or "")


def test_secret_is_made_once(client: SyncRedis, tmp_path: Path) -> None:
    """The secret is made at first, then the same for ever, in Redis and in a file for its owner alone."""
    secret = connection.secret(client, tmp_path / "new")
    assert (32, secret) == (len(secret), client.get(keys.SECRET))
    path = tmp_path / "new" / "secret"
    assert (f"{secret.hex()}\n", 0o600) == (path.read_text(), stat.S_IMODE(path.stat().st_mode))
    assert secret == connection.secret(client, tmp_path / "new")
    assert [path] == list(path.parent.iterdir())


def test_secret_for_another_folder(client: SyncRedis, tmp_path: Path) -> None:
    """Another data folder on the same Redis keeps the same secret."""
    assert connection.secret(client, tmp_path / "one") == connection.secret(client, tmp_path / "other")
    assert (tmp_path / "one" / "secret").read_text() == (tmp_path / "other" / "secret").read_text()


def test_secret_outlives_redis(client: SyncRedis, tmp_path: Path) -> None:
    """A Redis that was lost is given the folder's secret again, so that its customers keep their subjects."""
    secret = connection.secret(client, tmp_path)
    client.flushall()
    assert (secret, secret) == (connection.secret(client, tmp_path), client.get(keys.SECRET))


def test_foreign_secret_is_refused(client: SyncRedis, tmp_path: Path) -> None:
    """A folder and a Redis with different secrets do not belong together, and neither is changed."""
    secret = connection.secret(client, tmp_path)
    client.set(keys.SECRET, b"other")
    with pytest.raises(StoreError, match="secret does not match the secret in Redis"):
        connection.secret(client, tmp_path)
    assert (b"other", f"{secret.hex()}\n") == (client.get(keys.SECRET), (tmp_path / "secret").read_text())


@pytest.mark.parametrize("lies", ["log/commits/00000001.json", "log/event/day=2026-01-01/00000001-000000-ab.parquet"])
def test_lost_secret_is_not_made_anew(client: SyncRedis, tmp_path: Path, lies: str) -> None:
    """Where neither folder nor Redis has the secret of a log, none is made: with another nobody in it would be found."""
    (tmp_path / lies).parent.mkdir(parents=True)
    (tmp_path / lies).touch()
    with pytest.raises(StoreError, match=r"secret is gone, and Redis has none.*etappe restore"):
        connection.secret(client, tmp_path)
    assert (client.get(keys.SECRET), (tmp_path / "secret").exists()) == (None, False)


@pytest.mark.parametrize("held", ["xyz", ""])
def test_unreadable_secret_is_refused(client: SyncRedis, tmp_path: Path, held: str) -> None:
    """A file that holds no secret is refused with what to do."""
    (tmp_path / "secret").write_text(held)
    with pytest.raises(StoreError, match="secret is no secret; move it away"):
        connection.secret(client, tmp_path)


def test_secret_for_many_at_once(place: Place, client: SyncRedis, tmp_path: Path) -> None:
    """Processes that start together on an empty folder agree on one secret."""

    def ask(_: int) -> bytes:
        mine = connection.blocking_client(place)
        try:
            return connection.secret(mine, tmp_path / "new")
        finally:
            mine.close()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(16)))
    assert {client.get(keys.SECRET)} == found
