"""`etappe backup` and `restore`: what comes back is what was there, verified, and nobody who was erased since."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, accept, decided, inside, logged, new_key, put

from etappe.log import Log
from etappe.store.place import folder_swap

Copy = Callable[[], Path]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder for backups."""
    return tmp_path


def _must(data: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    ran = inside(data, *arguments, env=env)
    assert ran.code == 0, ran.err
    return ran.out


def _refused(data: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    ran = inside(data, *arguments, env=env)
    assert (ran.code, ran.out) == (1, "")
    return ran.err.splitlines()[-1]


def _answers(data: Path, template: Template, *more: str) -> list[Body]:
    found: list[Body] = []
    with Server(data) as server, server.client(template.secret) as client:
        for user in (*template.customers[:5], *more):
            answer = decided(client, user)
            found += [{name: value for name, value in answer.items() if name not in ("decision", "took_ms")}]
    return found


def test_a_backup_of_a_running_shop(copy_of: Copy, template: Template, files: Path) -> None:
    """Made while servers run, of everything answered before; private; restored elsewhere it gives the same answers."""
    data, file, other = copy_of(), files / "b.tar", files / "other"
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, {"event_id": "x1", "event": "ignore", "user_id": "gina", "item_id": template.items[0]})
        put(client, {"id": template.items[1], "available": False})
        _must(data, "backup", str(file))
        accept(client, {"event_id": "x2", "event": "view_item", "user_id": "gina", "item_id": template.items[2]})
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert [path.name for path in files.iterdir()] == ["b.tar"]
    _must(other, "restore", str(file))
    events = set(logged(other, "event")["event_id"])
    assert "x1" in events
    assert "x2" not in events
    _must(data, "restore", str(file), "--replace")
    assert set(logged(data, "event")["event_id"]) == events
    assert _answers(other, template, "gina") == _answers(data, template, "gina")
    assert not (data / folder_swap.FOLDER).exists()
    with Server(other) as server, server.client(template.secret) as client:
        assert client.get("/v1/customers/gina").json()["items"][0]["ignored"] is True
        accept(client, {"event_id": "x3", "event": "view_item", "user_id": "gina", "item_id": template.items[2]})


def test_the_log_goes_on_behind_a_backup(copy_of: Copy, files: Path) -> None:
    """A restored log has the position it had, reads the same at each earlier one, and takes the next commit."""
    data, other = copy_of(), files / "other"
    _must(data, "backup", str(files / "b.tar"))
    _must(other, "restore", str(files / "b.tar"))
    one, two = Log(data / "log"), Log(other / "log")
    for position in range(1, one.position() + 1):
        there = one.scan("event", position=position).collect()
        assert there.equals(two.scan("event", position=position).collect())
    assert two.position() >= one.position()


def test_the_erased_stay_erased(copy_of: Copy, template: Template, files: Path) -> None:
    """Who was erased after a backup does not come back with it: by the place's own tombstones, or by a list of them."""
    data, other, file = copy_of(), files / "other", str(files / "b.tar")
    gone, stays = template.customers[:2]
    _must(data, "backup", file)
    _must(data, "erase", "--user", gone, "--now")
    (files / "erased.txt").write_text(_must(data, "erase", "--list"))
    assert gone not in (files / "erased.txt").read_text()
    _must(data, "restore", file, "--replace")
    _must(other, "restore", file, "--erased", str(files / "erased.txt"))
    for place in (data, other):
        assert gone in logged(place, "event")["user_id"].to_list()
        with Server(place) as server, server.client(template.secret) as client:
            assert client.get(f"/v1/customers/{gone}").status_code == 404
            assert client.get(f"/v1/customers/{gone}/export").json().get("events", []) == []
            assert client.get(f"/v1/customers/{stays}").status_code == 200
        assert gone in logged(place, "event")["user_id"].to_list()
        _must(place, "erase", "--now")
        assert gone not in logged(place, "event")["user_id"].to_list()


def test_damage_is_found_first(shop: Path, first: Server, files: Path) -> None:
    """A byte changed, a member missing or too many, a file cut off or none at all: refused, and nothing is begun."""
    file, empty = files / "b.tar", files / "empty"
    _must(shop, "backup", str(file))
    whole = file.read_bytes()
    changed = files / "changed.tar"
    with tarfile.open(file) as tar:
        infos = tar.getmembers()
        place = next(info.offset_data for info in infos if info.name.endswith(".parquet")) + 40
    changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "is damaged" in _refused(empty, "restore", str(changed))
    for length in (0, 700, len(whole) // 2, infos[-1].offset):
        changed.write_bytes(whole[:length])
        assert "use another backup" in _refused(empty, "restore", str(changed)), length
    _repack(file, changed, leave="secret")
    assert "secret" in _refused(empty, "restore", str(changed))
    for name in ("log/../../evil", "/evil", "etappe.sh"):
        _repack(file, changed, add=name)
        assert "is no backup" in _refused(empty, "restore", str(changed))
    assert "cannot be read" in _refused(empty, "restore", str(files / "none.tar"))
    assert [path for path in empty.rglob("*") if path.is_file()] == []


def _repack(file: Path, to: Path, *, leave: str = "", add: str = "") -> None:
    with tarfile.open(file) as tar, tarfile.open(to, "w") as out:
        for info in tar:
            if info.name == "manifest.json" and add:
                extra = tarfile.TarInfo(add)
                extra.size = 1
                out.addfile(extra, io.BytesIO(b"x"))
            if info.name != leave:
                out.addfile(info, tar.extractfile(info))


def test_nothing_is_overwritten_unasked(copy_of: Copy, shop: Path, first: Server, files: Path) -> None:
    """A folder that holds something needs --replace; one that is served is refused in any case."""
    data = copy_of()
    _must(data, "backup", str(files / "b.tar"))
    before = sorted(path for path in data.rglob("*") if path.suffix == ".parquet")
    assert "--replace" in _refused(data, "restore", str(files / "b.tar"))
    assert sorted(path for path in data.rglob("*") if path.suffix == ".parquet") == before
    assert "stop every `etappe serve`" in _refused(shop, "restore", str(files / "b.tar"), "--replace")
    assert not (shop / folder_swap.FOLDER).exists()
    (files / "erased.txt").write_text("vera\n")
    listed = ("--erased", str(files / "erased.txt"))
    assert "line 1 is no tombstone" in _refused(files / "e", "restore", str(files / "b.tar"), *listed)


def test_another_secret(copy_of: Copy, external_url: str, files: Path) -> None:
    """A Redis that belongs to another place is refused, with what to do; an empty one is taken."""
    _must(copy_of(), "backup", str(files / "b.tar"))
    client = redis.Redis.from_url(external_url)
    client.flushall()
    client.set("etappe:{config}:secret", b"another")
    env = {"ETAPPE_REDIS": external_url}
    assert "name an empty Redis" in _refused(files / "other", "restore", str(files / "b.tar"), env=env)
    client.flushall()
    assert "rebuilt" in _must(files / "other", "restore", str(files / "b.tar"), env=env)
    client.set("etappe:{000}:c:" + "00" * 16, b"newer than the backup")
    _must(files / "other", "restore", str(files / "b.tar"), "--replace", env=env)
    assert client.exists("etappe:{000}:c:" + "00" * 16) == 0
    client.flushall()
    client.close()


@pytest.mark.parametrize("moves", [0, 3, 7])
def test_broken_off(copy_of: Copy, files: Path, moves: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off while files are put in their places, nothing else works until `etappe rebuild` has finished it."""
    data, file = copy_of(), str(files / "b.tar")
    _must(data, "backup", file)
    new_key(data, "secret")
    left = [moves]
    rename = Path.rename

    def breaking(self: Path, target: Any) -> Path:
        if "old" in Path(target).parts or self.parent.name == "new":
            left[0] -= 1
            if left[0] < 0:
                raise OSError(5, "broken off", str(self))
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", breaking)
        assert "broken off" in _refused(data, "restore", file, "--replace")
    assert "etappe rebuild" in _refused(data, "check") + _refused(data, "keys", "list")
    assert "etappe rebuild" in _refused(data, "serve")
    _must(data, "rebuild")
    assert not (data / folder_swap.FOLDER).exists()
    assert len(_must(data, "keys", "list").splitlines()) == 3
