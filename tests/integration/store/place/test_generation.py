"""Redis held against the log: what each knows of the other, and who has lost what."""

from collections.abc import Callable
from pathlib import Path

import pytest

from etappe.errors import GenerationError
from etappe.events.intake import Accepted
from etappe.log import Log
from etappe.progress import silent
from etappe.settings import Place
from etappe.store import keys
from etappe.store.place import beginning, generation, marks
from etappe.store.place.generation import Kind
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.server.embedded import EmbeddedServer
from etappe.wiring.restoring import rebuild
from etappe.worker.archiving import archive as module
from etappe.worker.archiving.archive import archive

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]


@pytest.fixture
def begun(client: SyncRedis, place: Place, log: Log) -> str:
    """The generation of a place that was begun."""
    beginning.join(client, log, place.data, begins=True)
    return str(generation.kept(place.data))


def _kind(client: SyncRedis, log: Log, place: Place) -> Kind | None:
    found = generation.fault_of(client, Log(log.folder), place.data)
    return None if found is None else found.kind


def _stream_of(client: SyncRedis) -> str:
    return next(name for name in keys.streams() if client.exists(name))


def test_begun_once(client: SyncRedis, place: Place, log: Log, begun: str) -> None:
    """A place that has nothing is begun with a mark in each partition; opened again it is the same generation."""
    assert set(marks.read(client).values()) == {marks.mark_of(begun)}
    beginning.join(client, log, place.data, begins=True)
    assert generation.kept(place.data) == begun


def test_guest_begins_what_the_worker_takes_up(client: SyncRedis, place: Place, tmp_path: Path) -> None:
    """A server may come first: the place it begins is joined by others, and taken up by the folder with the log."""
    folders = [tmp_path / name for name in ("first", "second")]
    secrets = {beginning.join(client, Log(data / "log"), data, begins=False) for data in folders}
    log = Log(place.data / "log")
    log.prepare()
    secrets.add(beginning.join(client, log, place.data, begins=True))
    assert len(secrets) == 1
    assert [generation.kept(data) for data in folders] == [None, None]
    assert set(marks.read(client).values()) == {marks.mark_of(str(generation.kept(place.data)))}


def test_guest_of_an_emptied_redis_begins_nothing(client: SyncRedis, tmp_path: Path) -> None:
    """Who has been in a place before knows that it was lost, and leaves Redis as empty as it is."""
    beginning.join(client, Log(tmp_path / "log"), tmp_path, begins=False)
    client.flushall()
    with pytest.raises(GenerationError, match="etappe rebuild"):
        beginning.join(client, Log(tmp_path / "log"), tmp_path, begins=False)
    assert client.keys() == []


def test_an_emptied_redis_is_retaken_from_who_began_in_it(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept, tmp_path: Path
) -> None:
    """A new server without the log cannot know that Redis was emptied; what it began gives way as long as it is empty."""
    take(accept("e"))
    archive(client, log)
    client.flushall()
    beginning.join(client, Log(tmp_path / "new" / "log"), tmp_path / "new", begins=False)
    assert _kind(client, log, place) is Kind.REDIS
    with pytest.raises(GenerationError, match="etappe rebuild"):
        beginning.join(client, log, place.data, begins=True)
    beginning.retake(client, log, place.data)
    assert connection.secret(client, place.data) == connection.kept_secret(place.data / connection.SECRET_FILE)
    beginning.renew(client, log, place.data)
    assert beginning.join(client, log, place.data, begins=True)


def test_another_shop_is_not_retaken(client: SyncRedis, place: Place, log: Log, begun: str, tmp_path: Path) -> None:
    """A Redis into which something has come under another secret is another shop's, and stays as it is."""
    client.set(keys.SECRET, b"x" * 32)
    client.hset(keys.API_KEYS, "key", "value")
    beginning.retake(client, log, place.data)
    assert client.get(keys.SECRET) == b"x" * 32
    assert _kind(client, log, place) is Kind.ANOTHER


def test_the_worker_takes_over_what_no_log_has(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept, tmp_path: Path
) -> None:
    """Another folder may have the log as long as none has any of it; afterwards it is refused, as its log is another."""
    other = Log(tmp_path / "other" / "log")
    other.prepare()
    beginning.join(client, other, other.folder.parent, begins=True)
    assert generation.kept(other.folder.parent) == begun
    take(accept("e"))
    archive(client, log)
    third = Log(tmp_path / "third" / "log")
    third.prepare()
    with pytest.raises(GenerationError, match=r"another data folder than .*etappe restore"):
        beginning.join(client, third, third.folder.parent, begins=True)


@pytest.mark.parametrize("accept_loss", [False, True])
def test_no_rebuild_from_a_folder_without_the_log(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept, tmp_path: Path, accept_loss: bool
) -> None:
    """From a folder that has none of the log it would take all out of Redis: refused, whatever loss is accepted."""
    take(accept("e"))
    archive(client, log)
    before = marks.read(client)
    url = place.redis_url or f"unix://{EmbeddedServer(place.data).socket}"
    with pytest.raises(GenerationError, match="another data folder"):
        rebuild(Place(tmp_path / "guest", redis_url=url), silent, accept_loss=accept_loss)
    assert before == marks.read(client)
    assert generation.kept(place.data) == begun


def test_marks_follow_the_log(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept
) -> None:
    """What is archived moves the marks of its streams on, and all is well."""
    take(accept("e"))
    archive(client, log)
    stream = _stream_of(client)
    assert marks.read(client)[stream] == marks.mark_of(begun, log.streams()[stream])
    assert _kind(client, log, place) is None


def test_killed_between_commit_and_mark(
    client: SyncRedis,
    place: Place,
    log: Log,
    begun: str,
    take: Take,
    accept: Accept,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mark that stayed behind the log is no fault where the stream itself did not: nothing was set back."""
    take(accept("e"))
    monkeypatch.setattr(module, "_mark", lambda *_: None)
    archive(client, log)
    assert marks.read(client)[_stream_of(client)] == marks.mark_of(begun)
    assert _kind(client, log, place) is None


def test_set_back(client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept) -> None:
    """A stream that never came as far as the log has read it: Redis was set back, and its marks are withdrawn."""
    take(accept("e"))
    archive(client, log)
    stream = _stream_of(client)
    client.delete(stream)
    client.set(keys.mark_of(stream), marks.mark_of(begun))
    assert _kind(client, log, place) is Kind.REDIS
    with pytest.raises(GenerationError, match="set back"):
        generation.hold(client, log, place.data)
    assert set(marks.read(client).values()) == {None}
    with pytest.raises(GenerationError, match="etappe rebuild"):
        beginning.join(client, log, place.data, begins=True)


def test_another_shop_is_left_alone(client: SyncRedis, place: Place, log: Log, begun: str) -> None:
    """A Redis with another secret is a fault, and keeps its marks."""
    client.set(keys.SECRET, b"another")
    with pytest.raises(GenerationError, match="another shop"):
        generation.hold(client, log, place.data)
    assert set(marks.read(client).values()) == {marks.mark_of(begun)}


@pytest.mark.parametrize("lost", ["commits", "all"])
def test_the_log_has_lost_what_it_had(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept, lost: str
) -> None:
    """A log behind what Redis was told that it had is a fault of the log: the marks stay, and nothing is archived."""
    take(accept("e"))
    archive(client, log)
    take(accept("f"))
    archive(client, log)
    told = marks.read(client)
    newest = max((log.folder / "commits").glob("[0-9]*.json"))
    for path in [newest] if lost == "commits" else list((log.folder / "commits").glob("*.json")):
        path.unlink()
    assert _kind(client, log, place) is Kind.LOG
    with pytest.raises(GenerationError, match="etappe restore"):
        generation.hold(client, Log(log.folder), place.data)
    assert marks.read(client) == told


def test_a_folder_before_a_rebuild(client: SyncRedis, place: Place, log: Log, begun: str) -> None:
    """A data folder that was put back to before a rebuild is not the one that Redis goes with; the marks stay."""
    beginning.renew(client, log, place.data)
    (place.data / generation.FILE).write_text(f"{begun}\n")
    assert _kind(client, log, place) is Kind.LOG


def test_without_its_file(
    client: SyncRedis, place: Place, log: Log, begun: str, take: Take, accept: Accept, tmp_path: Path
) -> None:
    """A folder that lost the generation has lost nothing that a rebuild would take out of Redis; one without the log is told so."""
    take(accept("e"))
    archive(client, log)
    (place.data / generation.FILE).unlink()
    with pytest.raises(GenerationError, match=r"generation is gone.*run `etappe rebuild`"):
        beginning.join(client, Log(log.folder), place.data, begins=True)
    other = Log(tmp_path / "other" / "log")
    other.prepare()
    with pytest.raises(GenerationError, match="in another data folder"):
        beginning.join(client, other, other.folder.parent, begins=True)


def test_a_log_is_mended_first(client: SyncRedis, place: Place, log: Log, begun: str) -> None:
    """Who mends the log may find any loss of Redis, as the rebuild comes after; a lost end of the log is refused."""
    secret = client.get(keys.SECRET)
    marks.withdraw(client)
    assert beginning.join_to_mend(client, log, place.data) == secret
    marks.put(client, begun, {keys.CONFIG_STREAM: "7-0"})
    with pytest.raises(GenerationError, match="--accept-loss"):
        beginning.join_to_mend(client, log, place.data)


def test_redis_before_a_rebuild(client: SyncRedis, place: Place, log: Log, begun: str) -> None:
    """A Redis with the marks of an earlier generation was set back."""
    beginning.renew(client, log, place.data)
    marks.put(client, begun, {})
    assert _kind(client, log, place) is Kind.REDIS


def test_left_by_an_earlier_version(client: SyncRedis, place: Place, log: Log, take: Take, accept: Accept) -> None:
    """A place without marks that holds something is refused with one line that names the rebuild."""
    connection.secret(client, place.data)
    take(accept("e"))
    archive(client, log)
    with pytest.raises(GenerationError, match=r"left by an earlier version.*etappe rebuild"):
        beginning.join(client, log, place.data, begins=True)
