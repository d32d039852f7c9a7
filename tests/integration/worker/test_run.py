"""The worker's rounds: nothing that is still needed is dropped, and one failure does not end them."""

import asyncio
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from tests.integration.log.entered import cut

from etappe.catalog.item import Item, ItemPatch
from etappe.errors import EtappeError
from etappe.events.intake import Accepted
from etappe.ids import Subject
from etappe.log import Log
from etappe.settings import Place, Settings, Store
from etappe.store import keys
from etappe.store.config import api_keys, catalogues, journal
from etappe.store.identities import graph
from etappe.store.place import beginning
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.worker import run as module
from etappe.worker.attempts import Attempts
from etappe.worker.run import compile_catalogue, go_round, work

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]


def _items(client: SyncRedis, place: Place) -> dict[str, Item]:
    return {item.id: item for item in catalogues.load(client, place.data)[0].items()}


def _lease(place: Place, position: str) -> None:
    async def renew() -> None:
        async with connection.connect_async(place) as client:
            await journal.renew(client, "replica", position, 60)

    asyncio.run(renew())


def _change(client: SyncRedis, number: int) -> str:
    return journal.append_items(client, [ItemPatch(id=f"i{number % 3}", price=float(number))])


def test_compiling_keeps_the_catalogue(client: SyncRedis, place: Place, log: Log) -> None:
    """The catalogue is the same before and after, the journal is empty, and the log has what it held."""
    for number in range(7):
        _change(client, number)
    before = _items(client, place)
    compile_catalogue(client, log, place)
    assert before == _items(client, place)
    assert (client.xlen(keys.CONFIG_STREAM), log.scan("config").collect().height) == (0, 7)


def test_journal_is_kept_for_replicas(client: SyncRedis, place: Place, log: Log) -> None:
    """The journal is cut only as far as every live replica has come."""
    positions = [_change(client, number) for number in range(5)]
    _lease(place, positions[1])
    compile_catalogue(client, log, place)
    assert positions[2:] == [change.position for change in journal.read(client, journal.START)]
    _lease(place, positions[4])
    compile_catalogue(client, log, place)
    assert list(journal.read(client, journal.START)) == []


def test_journal_beyond_the_compiled_is_kept(
    client: SyncRedis, place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is journalled after the catalogue was read stays, even where all replicas have it already."""
    _change(client, 0)
    compile_current, later = catalogues.compile_current, list[str]()

    def overtaken(*arguments: object) -> str:
        found = compile_current(*arguments)  # type: ignore[arg-type]
        later.append(_change(client, 1))
        _lease(place, later[0])
        return found

    monkeypatch.setattr(catalogues, "compile_current", overtaken)
    compile_catalogue(client, log, place)
    assert later == [change.position for change in journal.read(client, journal.START)]
    assert {"i0", "i1"} == set(_items(client, place))


def test_two_workers_compile_at_once(place: Place, client: SyncRedis, log: Log) -> None:
    """While several workers compile and items keep changing no change is lost."""

    def compile_some(_: int) -> None:
        with connection.connect(place) as mine:
            for _round in range(4):
                compile_catalogue(mine, Log(log.folder), place)

    with ThreadPoolExecutor(3) as pool:
        working = pool.map(compile_some, range(3))
        for number in range(60):
            journal.append_items(client, [ItemPatch(id=f"i{number}")])
        list(working)
    assert {f"i{number}" for number in range(60)} == set(_items(client, place))


def test_keys_survive_the_cut(client: SyncRedis, place: Place, log: Log) -> None:
    """API keys are still known when the journal that told of them is cut."""
    _, kept, _ = api_keys.create(client, "secret")
    compile_catalogue(client, log, place)
    assert [kept] == api_keys.listed(client)
    assert client.xlen(keys.CONFIG_STREAM) == 0


def test_one_round(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    place: Place,
    log: Log,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A round archives, folds, and compiles where enough has changed."""
    monkeypatch.setattr(module, "COMPILE_AFTER", 3)
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    take(accept("e0"), accept("e1"), settings=small)
    for number in range(2):
        _change(client, number)
    go_round(client, log, place, small)
    assert (log.rows("event"), customers.waiting(client), client.xlen(keys.CONFIG_STREAM)) == (2, [], 2)
    _change(client, 2)
    go_round(client, log, place, small)
    assert (0, {"i0", "i1", "i2"}) == (client.xlen(keys.CONFIG_STREAM), set(_items(client, place)))


def test_one_duty_that_fails_keeps_none_from_being_done(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    place: Place,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A duty that fails is warned of and tried again; all others are done in the same round, and in the last one."""
    tried, done = list[int](), list[int]()

    def failing(*_arguments: object) -> None:
        tried.append(1)
        if len(tried) == 1:
            raise EtappeError("disk full")

    monkeypatch.setattr(module, "archive", failing)
    monkeypatch.setattr(module, "compact", lambda _log: done.append(1))
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    take(accept("e"))
    work(client, place, settings, lambda: len(tried) >= 2)
    assert (len(tried), len(done)) == (3, 3)
    assert "archiving failed and is tried again: disk full" in caplog.text


def test_work_goes_on_after_what_nobody_foresaw(
    client: SyncRedis,
    place: Place,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error of no kind that is foreseen is logged each time, with its traceback the first time, and ends nothing."""
    tried = list[int]()

    def failing(*_arguments: object) -> None:
        tried.append(1)
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(module, "fold_long_tails", failing)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    work(client, place, settings, lambda: len(tried) >= 2)
    told = [record for record in caplog.records if "a mistake of ours" in record.getMessage()]
    assert [bool(record.exc_info) for record in told] == [True, False, False]


def test_a_damaged_file_stops_only_who_reads_it(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    place: Place,
    log: Log,
    settings: Settings,
    me: Subject,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a cut file in the log, archiving, folding, compiling and merging go on; what needs it names it in one line."""
    monkeypatch.setattr(module, "COMPILE_AFTER", 1)
    for number in range(2):
        take(accept(f"e{number}", timestamp="2026-02-01T12:00:00Z"))
        go_round(client, log, place, settings)
    damaged = next(log.state().of("event")).path
    cut(log.folder / damaged)
    graph.mark_dirty(client, [me])
    caplog.clear()
    _change(client, 0)
    take(accept("e2", timestamp="2026-02-01T12:00:00Z"))
    go_round(client, log, place, settings)
    assert (log.rows("event"), client.xlen(keys.CONFIG_STREAM), set(_items(client, place))) == (3, 0, {"i0"})
    told = [record for record in caplog.records if damaged in record.getMessage()]
    assert [record.getMessage().split(" failed")[0] for record in told] == ["rebuilding customers"]
    assert [record.exc_info for record in told] == [None]
    assert "quarantine --heal" in told[0].getMessage()


def test_a_round_keeps_the_log_small(
    take: Take, accept: Accept, client: SyncRedis, place: Place, log: Log, settings: Settings
) -> None:
    """After many rounds a day has few files, and the log few commits beside its checkpoint."""
    for number in range(40):
        take(accept(f"e{number}", timestamp="2026-02-01T12:00:00Z"))
        go_round(client, log, place, settings)
    assert len(list(log.state().of("event"))) < 32
    assert [f"e{number}" for number in range(40)] == log.scan("event").collect()["event_id"].to_list()


def test_an_older_log_put_under_a_running_worker(
    client: SyncRedis, place: Place, log: Log, settings: Settings, take: Take, accept: Accept, tmp_path: Path
) -> None:
    """Nothing is archived into an older copy of the log, which stays as it is; put back, the log gets what waited."""
    beginning.join(client, log, place.data, begins=True)
    take(accept("a"))
    go_round(client, log, place, settings)
    shutil.copytree(log.folder, tmp_path / "older")
    take(accept("b"))
    go_round(client, log, place, settings)
    log.folder.rename(tmp_path / "newer")
    (tmp_path / "older").rename(log.folder)
    before = Log(log.folder).position()
    take(accept("c"))
    attempts = Attempts()
    for _ in range(3):
        go_round(client, log, place, settings, attempts)
        assert (attempts.failed, Log(log.folder).position()) == (True, before)
    shutil.rmtree(log.folder)
    (tmp_path / "newer").rename(log.folder)
    go_round(client, log, place, settings, attempts)
    assert set(Log(log.folder).events().collect()["event_id"]) == {"a", "b", "c"}


def test_a_log_that_was_replaced_is_read_anew(
    client: SyncRedis, place: Place, log: Log, settings: Settings, take: Take, accept: Accept, tmp_path: Path
) -> None:
    """A worker that stayed up while an older log was accepted for Redis goes on with that one, not with what it knew."""
    beginning.join(client, log, place.data, begins=True)
    shutil.copytree(log.folder, tmp_path / "older")
    take(accept("a"))
    go_round(client, log, place, settings)
    assert log.position() > 0
    shutil.rmtree(log.folder)
    (tmp_path / "older").rename(log.folder)
    go_round(client, log, place, settings)
    beginning.renew(client, Log(log.folder), place.data)
    take(accept("b"))
    go_round(client, log, place, settings)
    assert set(log.events().collect()["event_id"]) == {"b"}
