"""Artifacts through Redis: what comes down is what went up, or nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from etappe import arrays
from etappe.arrays import MANIFEST, Manifest
from etappe.errors import DataError, NotFoundError
from etappe.settings import Place
from etappe.store import keys
from etappe.store.config import artifacts
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis

KIND = "thing"


def _write(home: Path, version: str, values: int = 10) -> Path:
    manifest = Manifest(kind=KIND, format=1, version=version, created="")
    given = {"a": np.arange(values, dtype=np.float64), "empty": np.zeros(0, np.int8)}
    arrays.write(home / version, manifest, given)
    return home / version


def _publish(client: SyncRedis, home: Path, *versions: str) -> None:
    for version in versions:
        artifacts.publish(client, KIND, _write(home, version))


def _opened(folder: Path) -> list[float]:
    return arrays.open_verified(folder, KIND, 1)[1]["a"].tolist()  # type: ignore[no-any-return]


def test_published_is_fetched_elsewhere(client: SyncRedis, tmp_path: Path) -> None:
    """Another data folder gets the same files, byte by byte, and needs nothing but Redis for it."""
    folder = _write(tmp_path / "one", "1")
    assert "1" == artifacts.publish(client, KIND, folder) == artifacts.current(client, KIND)
    found = artifacts.fetch(client, KIND, "1", tmp_path / "other")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in found.iterdir()
    }
    assert [found] == list((tmp_path / "other").iterdir())


def test_large_files_go_in_chunks(client: SyncRedis, tmp_path: Path) -> None:
    """A file above 4 MiB goes up in chunks of that size and comes down whole."""
    artifacts.publish(client, KIND, _write(tmp_path / "one", "1", 1_200_000))
    sizes = [client.strlen(keys.artifact_chunk(KIND, "1", "a.npy", number)) for number in range(4)]
    assert sizes == [4 * 2**20, 4 * 2**20, 9_600_128 - 8 * 2**20, 0]
    assert np.arange(1_200_000.0).tolist() == _opened(artifacts.fetch(client, KIND, "1", tmp_path / "other"))


def test_file_of_whole_chunks(client: SyncRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that fills its last chunk to the byte comes down whole."""
    monkeypatch.setattr(artifacts, "CHUNK_BYTES", 104)
    artifacts.publish(client, KIND, _write(tmp_path / "one", "1"))
    assert len(list(client.scan_iter(match="*:a.npy:*"))) == 2
    assert list(range(10)) == _opened(artifacts.fetch(client, KIND, "1", tmp_path / "other"))


def _damage(client: SyncRedis, key: str) -> None:
    data = bytearray(client.get(key))  # type: ignore[arg-type]
    data[-1] ^= 1
    client.set(key, bytes(data))


def _shorten(client: SyncRedis, key: str) -> None:
    client.set(key, client.get(key)[:-1])  # type: ignore[index]


def _remove(client: SyncRedis, key: str) -> None:
    client.delete(key)


@pytest.mark.parametrize(("damage", "says"), [(_damage, "damaged"), (_shorten, "incomplete"), (_remove, "incomplete")])
@pytest.mark.parametrize("number", [0, 1])
def test_damaged_chunk_is_refused(
    client: SyncRedis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[..., None],
    says: str,
    number: int,
) -> None:
    """A chunk that is damaged, cut off or missing is refused with the remedy, and leaves nothing in the folder."""
    monkeypatch.setattr(artifacts, "CHUNK_BYTES", 150)
    _publish(client, tmp_path / "one", "1")
    damage(client, keys.artifact_chunk(KIND, "1", "a.npy", number))
    with pytest.raises(DataError, match=f"thing 1 in Redis is {says}.*publish it anew"):
        artifacts.fetch(client, KIND, "1", tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.parametrize(("damage", "says"), [(_shorten, "no readable manifest"), (_remove, "incomplete")])
def test_damaged_manifest_is_refused(client: SyncRedis, tmp_path: Path, damage: Callable[..., None], says: str) -> None:
    """Without its manifest, the last thing to go up, an artifact is half-published and refused."""
    _publish(client, tmp_path / "one", "1")
    damage(client, keys.artifact_chunk(KIND, "1", MANIFEST, 0))
    with pytest.raises(DataError, match=says):
        artifacts.fetch(client, KIND, "1", tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


def test_fetched_once(client: SyncRedis, tmp_path: Path) -> None:
    """What is in the folder already is not asked of Redis again."""
    _publish(client, tmp_path / "one", "1")
    artifacts.fetch(client, KIND, "1", tmp_path / "other")
    client.flushall()
    assert list(range(10)) == _opened(artifacts.fetch(client, KIND, "1", tmp_path / "other"))


def test_many_fetch_at_once(place: Place, client: SyncRedis, tmp_path: Path) -> None:
    """Several that fetch the same version into one folder at the same time all get it."""
    artifacts.publish(client, KIND, _write(tmp_path / "one", "1", 200_000))

    def fetch(_: int) -> Path:
        mine = connection.blocking_client(place)
        try:
            return artifacts.fetch(mine, KIND, "1", tmp_path / "other")
        finally:
            mine.close()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(fetch, range(8)))
    assert {tmp_path / "other" / "1"} == found == set((tmp_path / "other").iterdir())
    assert _opened(found.pop())[-1] == 199_999.0


def test_versions_are_bounded(client: SyncRedis, tmp_path: Path) -> None:
    """Redis keeps the last few versions, newest first, and no chunk of any other."""
    _publish(client, tmp_path, *"12345")
    assert artifacts.versions(client, KIND) == ["5", "4", "3"]
    kept = {key.decode().split(":")[3] for key in client.scan_iter(match=f"etappe:{{artifact}}:{KIND}:*:*")}
    assert {"5", "4", "3"} == kept
    for version in "543":
        assert list(range(10)) == _opened(artifacts.fetch(client, KIND, version, tmp_path / "other"))


def test_versions_with_a_common_beginning(client: SyncRedis, tmp_path: Path) -> None:
    """Dropping version 1 leaves version 10 whole."""
    _publish(client, tmp_path, "1", "10", "11", "12")
    assert list(range(10)) == _opened(artifacts.fetch(client, KIND, "10", tmp_path / "other"))


def test_published_again(client: SyncRedis, tmp_path: Path) -> None:
    """A version published again is the newest, once."""
    _publish(client, tmp_path, "1", "2")
    artifacts.publish(client, KIND, tmp_path / "1")
    assert (artifacts.versions(client, KIND), artifacts.current(client, KIND)) == (["1", "2"], "1")


def test_going_back(client: SyncRedis, tmp_path: Path) -> None:
    """The version before the served one can be served again, and again the one before that, until there is none."""
    _publish(client, tmp_path, "1", "2", "3")
    for expected in ("2", "1"):
        artifacts.select(client, KIND, artifacts.before_current(client, KIND))
        assert expected == artifacts.current(client, KIND)
    with pytest.raises(NotFoundError, match="there is no thing before 1 to go back to"):
        artifacts.before_current(client, KIND)


def test_unknown_version_is_not_selected(client: SyncRedis, tmp_path: Path) -> None:
    """A version that is not published is refused, naming those that are; the served one stays."""
    with pytest.raises(NotFoundError, match="thing 9 is not published; there are: none"):
        artifacts.select(client, KIND, "9")
    _publish(client, tmp_path, "1", "2")
    with pytest.raises(NotFoundError, match="there are: 2, 1"):
        artifacts.select(client, KIND, "9")
    assert artifacts.current(client, KIND) == "2"


def test_nothing_published(client: SyncRedis) -> None:
    """Without anything published there is no current version and none to go back to."""
    assert (artifacts.current(client, KIND), artifacts.versions(client, KIND)) == (None, [])
    with pytest.raises(NotFoundError, match="no thing before the first"):
        artifacts.before_current(client, KIND)


def test_other_kind_is_not_published(client: SyncRedis, tmp_path: Path) -> None:
    """A folder of another kind is refused before anything goes up."""
    with pytest.raises(DataError, match="holds a thing, not a snapshot"):
        artifacts.publish(client, "snapshot", _write(tmp_path, "1"))
    assert list(client.scan_iter()) == []


def test_half_published_is_not_served(client: SyncRedis, tmp_path: Path) -> None:
    """Where publishing breaks off the version before stays the current one."""
    _publish(client, tmp_path, "1")
    (_write(tmp_path, "2") / "empty.npy").unlink()
    with pytest.raises(OSError, match=r"empty.npy"):
        artifacts.publish(client, KIND, tmp_path / "2")
    assert (artifacts.current(client, KIND), artifacts.versions(client, KIND)) == ("1", ["1"])


def test_old_folders_are_removed(tmp_path: Path) -> None:
    """Folders of versions not kept go; others, hidden ones and files stay."""
    for name in ("1", "2", ".3.partial", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "4").write_text("a file")
    artifacts.remove_old_folders(tmp_path, ["2"])
    assert {"2", ".3.partial", "notes", "4"} == {path.name for path in tmp_path.iterdir()}
