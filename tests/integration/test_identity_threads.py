"""Many processes at once, on overlapping identities: nothing is lost or counted twice, and the graph is one graph."""

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from tests.integration.kept import seen
from tests.integration.world import SMALL
from tests.unit.customers.people import SECRET, claim, subject

from etappe.customers.state import fold_state
from etappe.errors import NotFoundError
from etappe.events.identities import Identity
from etappe.events.intake import Accepted
from etappe.ids import Subject, event_hash
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store.identities import graph
from etappe.store.identities.linking import Linker
from etappe.store.ingesting.ingest import Aliases, Outcome, ingest
from etappe.store.logged import replay
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild, rebuild_dirty

Accept = Callable[..., Accepted]
USERS: Final = [Identity("user_id", f"u{number}") for number in range(4)]
BROWSERS: Final = [Identity("anonymous_id", f"b{number}") for number in range(8)]
MAILS: Final = [Identity("email_sha256", f"{number}" * 64) for number in range(4)]
SENDERS: Final = 4
BATCHES: Final = 25


class Crowd:
    """Threads that work until they are told to stop, and what went wrong in them."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def keep(self, work: Callable[[], object]) -> None:
        """Does something again and again."""

        def again() -> None:
            try:
                while not self.stop.is_set():
                    work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                self.failures.append(error)

        self._threads.append(threading.Thread(target=again))
        self._threads[-1].start()

    def end(self) -> None:
        """Waits until all have stopped."""
        self.stop.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def crowd() -> Any:
    """A crowd that is gone after the test."""
    found = Crowd()
    yield found
    found.end()


def _event(accept: Accept, chance: random.Random, event_id: str) -> Accepted:
    """An event of one to three identities that may or may not be one person."""
    who = {one.kind: one.value for one in (chance.choice(BROWSERS), chance.choice(USERS)) if chance.random() < 0.6}
    mails = {"identities": dict([(one.kind, one.value) for one in MAILS if chance.random() < 0.2][:1])}
    if not who and not mails["identities"]:
        who = {"anonymous_id": chance.choice(BROWSERS).value}
    fields = {"user_id": None, "anonymous_id": None} | who | {"properties": mails if mails["identities"] else None}
    return accept(event_id, item_id=f"i{chance.randrange(5)}", **fields)


def _send(place: Place, accept: Accept, number: int) -> list[Accepted]:
    """A serving process that takes batches, some of them twice, and links what they say."""
    chance, aliases, sent = random.Random(number), Aliases(), list[Accepted]()

    async def run() -> None:
        client = connection.blocking_client(place)
        linker = Linker(client, SECRET, SMALL)
        async with connection.connect_async(place) as redis:
            for batch in range(BATCHES):
                events = [_event(accept, chance, f"e{number}-{batch}-{place}") for place in range(3)]
                for _ in range(1 + chance.randrange(2)):
                    outcomes = await ingest(RedisPy(redis), SECRET, events, SMALL, aliases)
                    assert Outcome.ERASED not in outcomes
                    await asyncio.to_thread(linker.link, linker.news(events))
                sent.extend(events)
        client.close()

    asyncio.run(run())
    return sent


def _part_some(place: Place, chance: random.Random) -> None:
    with connection.connect(place) as client:
        one, other = chance.sample([*USERS, *BROWSERS, *MAILS], 2)
        try:
            graph.part(client, subject(one), subject(other), "by hand", SMALL)
        except NotFoundError:
            return


def _work(place: Place, log: Log, steps: list[Callable[[SyncRedis, Log], object]]) -> Callable[[], object]:
    def once() -> None:
        with connection.connect(place) as client:
            for step in steps:
                step(client, Log(log.folder))

    return once


def test_everybody_at_once(place: Place, client: SyncRedis, accept: Accept, tmp_path: Path, crowd: Crowd) -> None:
    """Four processes take and link, one takes apart, two workers archive, fold and rebuild: in the end all is right."""
    log = Log(tmp_path / "several")
    log.prepare()
    chance = random.Random(7)
    worker: list[Callable[[SyncRedis, Log], object]] = [
        archive,
        lambda client, _: graph.recover(client, SMALL),
        lambda client, _: fold_long_tails(client, SMALL),
        lambda client, log: rebuild_dirty(client, log, SMALL),
    ]
    crowd.keep(lambda: _part_some(place, chance))
    for _ in range(2):
        crowd.keep(_work(place, log, worker))
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [
            one for events in pool.map(lambda number: _send(place, accept, number), range(SENDERS)) for one in events
        ]
    crowd.end()
    assert crowd.failures == []
    for step in worker * 2:
        step(client, log)
    assert graph.dirty(client) == {}
    rows = log.events().select("subject", "event_id").collect()
    assert sorted(one.event_id for one in sent) == sorted(rows["event_id"])
    told = replay.identities(log, SECRET).graph.roots()
    assert told == graph.roots(client, list(told))
    mine: dict[Subject, set[int]] = {}
    for whose, event_id in rows.iter_rows():
        mine.setdefault(told.get(whose, whose), set()).add(event_hash(event_id))
    for root, hashes in mine.items():
        record = customers.read_resolved(client, root)
        state = fold_state(record.base, record.tail, 60.0)
        assert set(state.base.ring.tolist()) == hashes
        assert int(state.base.totals["events"][0]) == len(hashes)


def test_no_tail_record_is_lost(
    place: Place, client: SyncRedis, accept: Accept, tmp_path: Path, crowd: Crowd, settings: Settings
) -> None:
    """While workers fold and rebuild two customers and these are merged, no event is missing, or there twice, ever."""
    log = Log(tmp_path / "several")
    log.prepare()
    anna, browser = USERS[0], BROWSERS[0]
    both = [subject(anna), subject(browser)]
    for steps in (
        [lambda client, _: fold_long_tails(client, SMALL)],
        [lambda client, log: rebuild(client, log, both, SMALL)],
    ):
        for _ in range(2):
            crowd.keep(_work(place, log, steps))
    aliases, sent = Aliases(), set[int]()

    async def send() -> None:
        async with connection.connect_async(place) as redis:
            for number in range(60):
                who = {"user_id": anna.value} if number % 2 else {"user_id": None, "anonymous_id": browser.value}
                assert await ingest(RedisPy(redis), SECRET, [accept(f"e{number}", **who)], SMALL, aliases) == [
                    Outcome.ACCEPTED
                ]
                sent.add(event_hash(f"e{number}"))
                if number == 30:
                    await asyncio.to_thread(graph.link, client, [claim(anna, browser)], settings)
                if number > 30:
                    (record,) = await customers.read(RedisPy(redis), [both[number % 2]])
                    base = fold_state(record.base, record.tail, 60.0).base
                    assert set(base.ring.tolist()) == sent
                    assert int(base.totals["events"][0]) == len(sent)

    asyncio.run(send())
    crowd.end()
    assert crowd.failures == []
    assert seen(client, both[1]).stored == b""
