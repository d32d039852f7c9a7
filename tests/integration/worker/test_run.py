"""The worker's rounds: nothing that is still needed is dropped, and one failure does not end them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from etappe.catalog.item import Item, ItemPatch
from etappe.errors import EtappeError
from etappe.events.intake import Accepted
from etappe.settings import Place, Settings, Store
from etappe.store import api_keys, catalogues, connection, customers, journal, keys
from etappe.store.connection import SyncRedis
from etappe.store.log import Log
from etappe.worker import run as module
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


def test_work_goes_on_after_a_failure(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    place: Place,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A round that fails is warned of and tried again; when the worker is stopped it goes one last round."""
    rounds = list[int]()

    def failing(*arguments: object) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise EtappeError("disk full")
        go_round(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "go_round", failing)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    take(accept("e"))
    work(client, place, settings, lambda: len(rounds) >= 2)
    assert len(rounds) == 3
    assert "this round failed and is tried again: disk full" in caplog.text
    assert Log(place.data / "log").rows("event") == 1


def test_work_goes_on_after_what_nobody_foresaw(
    take: Take,
    accept: Accept,
    client: SyncRedis,
    place: Place,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error of no kind that is foreseen is logged each time, with its traceback the first time, and ends nothing."""
    rounds = list[int]()

    def failing(*arguments: object) -> None:
        rounds.append(1)
        if len(rounds) <= 3:
            raise ZeroDivisionError("a mistake of ours")
        go_round(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "go_round", failing)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    take(accept("e"))
    work(client, place, settings, lambda: len(rounds) >= 4)
    told = [record for record in caplog.records if "a mistake of ours" in record.getMessage()]
    assert [bool(record.exc_info) for record in told] == [True, False, False]
    assert Log(place.data / "log").rows("event") == 1


def test_a_round_keeps_the_log_small(
    take: Take, accept: Accept, client: SyncRedis, place: Place, log: Log, settings: Settings
) -> None:
    """After many rounds a day has few files, and the log few commits beside its checkpoint."""
    for number in range(40):
        take(accept(f"e{number}", timestamp="2026-02-01T12:00:00Z"))
        go_round(client, log, place, settings)
    assert len(list(log.state().of("event"))) < 32
    assert [f"e{number}" for number in range(40)] == log.scan("event").collect()["event_id"].to_list()
