"""The identity graph in Redis: changed under a lock, journalled, finished by anyone, and never by two at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pytest
from tests.integration.frail import Crash, Frail, crash
from tests.integration.kept import seen
from tests.unit.customers.people import claim, subject

from etappe.customers.identity import LINK, NAME, UNLINK, Graph
from etappe.customers.packed.base import unpack
from etappe.customers.records import decode_tail
from etappe.customers.state import fold_state
from etappe.errors import NotFoundError, StoreUnavailableError
from etappe.events.identities import Identity, hashed_email
from etappe.events.intake import Accepted
from etappe.ids import Subject, event_hash, partition_of
from etappe.log import Log
from etappe.settings import Place, Settings, Store
from etappe.store import keys, scripts
from etappe.store.identities import applying, graph
from etappe.store.ingesting import rows
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild_dirty

Accept = Callable[..., Accepted]
Take = Callable[..., list[int]]
ANNA: Final = Identity("user_id", "anna")
BERT: Final = Identity("user_id", "bert")
BROWSER: Final = Identity("anonymous_id", "browser")
MAIL: Final = Identity("email_sha256", "0" * 64)
CARD: Final = Identity("loyalty_card", "4711")


def _link(client: SyncRedis, settings: Settings, *whom: Identity, explicit: bool = False) -> int:
    claims = [claim(whom[0], other, explicit=explicit) for other in whom[1:]]
    return graph.link(client, claims, settings)


def _roots(client: SyncRedis, *whom: Identity) -> list[Subject]:
    found = graph.roots(client, [subject(one) for one in whom])
    return [found[subject(one)] for one in whom]


def _journal(client: SyncRedis) -> list[dict[str, Any]]:
    entries: Any = client.xrange(keys.IDENTITY_STREAM)
    return [row | {"n": int(fields[b"n"])} for _, fields in entries for row in msgspec.json.decode(fields[b"p"])]


def _events(client: SyncRedis, whom: Identity) -> list[int]:
    """The hashes of the events that a decision for `whom` would see."""
    found = customers.read_resolved(client, subject(whom))
    return sorted([*unpack(found.base).ring.tolist(), *decode_tail(found.tail)["event"].tolist()])


def _hashes(*names: str) -> list[int]:
    return sorted(event_hash(name) for name in names)


def test_links_are_found_again(client: SyncRedis, settings: Settings) -> None:
    """After a link each identity leads to the surest one, whose members are listed with cause and time of each edge."""
    assert _link(client, settings, BROWSER, MAIL, ANNA) == 2
    assert _roots(client, ANNA, BROWSER, MAIL, BERT) == [subject(ANNA)] * 3 + [subject(BERT)]
    group = graph.groups(client, [subject(ANNA)])[subject(ANNA)]
    assert {node.identity for node in group.values()} == {ANNA, BROWSER, MAIL}
    (edge,) = group[subject(ANNA)].edges
    assert (edge.other, edge.cause) == (subject(BROWSER), "e")


def test_changes_are_journalled(client: SyncRedis, settings: Settings) -> None:
    """The journal has a row for each name, link and unlink, numbered by change; what changes nothing has none."""
    _link(client, settings, ANNA, BROWSER)
    assert _link(client, settings, ANNA, BROWSER) == 0
    graph.part(client, subject(ANNA), subject(BROWSER), "request", settings)
    rows = _journal(client)
    assert [row["action"] for row in rows] == [NAME, NAME, LINK, UNLINK]
    assert rows[0]["n"] == rows[2]["n"] < rows[3]["n"]
    assert (rows[0]["subject"], rows[0]["kind"], rows[0]["value"]) == (subject(ANNA).hex(), "user_id", "anna")
    assert (rows[2]["subject"], rows[2]["customer"]) == (subject(ANNA).hex(), subject(BROWSER).hex())
    assert (rows[3]["kind"], rows[3]["cause"]) == ("by_hand", "request")


def test_tail_goes_over_at_once(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """What an alias has in its tail is in its customer's right after the link, traits with their blocks included."""
    take(
        accept("a", user_id="anna"),
        accept("b", user_id=None, anonymous_id="browser"),
        accept(
            "t", "set_traits", user_id=None, anonymous_id="browser", item_id=None, properties={"text": "x" * 99, "n": 1}
        ),
    )
    _link(client, settings, ANNA, BROWSER)
    record = customers.read_blocking(client, [subject(ANNA)])[0]
    assert fold_state(b"", record.tail, 60.0).traits() == {"text": "x" * 99, "n": 1}
    assert _events(client, ANNA) == _events(client, BROWSER)
    assert seen(client, subject(BROWSER)).stored == b""


def test_nobodys_event_may_be_somebodys_elsewhere(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings
) -> None:
    """An event came in without consent as one customer, and as another who is linked to them later: it is theirs then."""
    denial = {"personalisation": False}
    take(accept("no", "set_consent", user_id="anna", item_id=None, properties=denial))
    take(accept("v", user_id="anna"))
    assert event_hash("v") not in _events(client, ANNA)
    take(accept("v", user_id=None, anonymous_id="browser"))
    _link(client, settings, ANNA, BROWSER)
    assert _events(client, ANNA).count(event_hash("v")) == 1
    _link(client, settings, BERT, ANNA, explicit=True)
    assert _roots(client, ANNA) == _roots(client, BERT)
    assert _events(client, BERT).count(event_hash("v")) == 1


def test_adopted_tails_are_folded(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """A tail that is too long by what came over waits to be folded."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=3))
    take(*[accept(f"a{number}", user_id="anna") for number in range(2)], settings=small)
    take(*[accept(f"b{number}", user_id=None, anonymous_id="browser") for number in range(2)], settings=small)
    _link(client, small, ANNA, BROWSER)
    assert [subject(ANNA)] == customers.waiting(client)
    assert fold_long_tails(client, small) == 1
    assert len(_events(client, BROWSER)) == 4


def test_bases_wait_for_the_worker(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """Bases of merged customers, of theirs too, are joined when read, and the customer is marked to be rebuilt."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    for name, field in (("b", {"anonymous_id": "browser"}), ("m", {"properties": {"identities": {"email": "x@y.de"}}})):
        take(*[accept(f"{name}{number}", user_id=None, **field) for number in range(2)], settings=small)
    fold_long_tails(client, small)
    mail = Identity("email_sha256", hashed_email("x@y.de"))
    _link(client, small, mail, BROWSER)
    _link(client, small, ANNA, mail)
    waiting = graph.places(client, [subject(ANNA)])[subject(ANNA)].waiting
    assert sorted(waiting) == sorted([subject(BROWSER), subject(mail)])
    assert _events(client, ANNA) == _hashes("b0", "b1", "m0", "m1")
    assert subject(ANNA) in graph.dirty(client)


def test_parted_are_rebuilt(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """After parting each leads to itself, both are marked, and who was taken out begins without a record."""
    take(accept("a", user_id="anna"), accept("b", user_id=None, anonymous_id="browser"))
    _link(client, settings, ANNA, BROWSER)
    assert graph.part(client, subject(ANNA), subject(BROWSER), "e", settings) == [subject(ANNA), subject(BROWSER)]
    assert _roots(client, ANNA, BROWSER) == [subject(ANNA), subject(BROWSER)]
    assert set(graph.dirty(client)) == {subject(ANNA), subject(BROWSER)}
    assert not customers.read_blocking(client, [subject(BROWSER)])[0].found
    assert set(graph.groups(client, [subject(ANNA)])[subject(ANNA)]) == {subject(ANNA)}


def test_parting_strangers(client: SyncRedis, settings: Settings) -> None:
    """Who is not a customer's cannot be taken out: an error that says where to look, and nothing is journalled."""
    _link(client, settings, ANNA, BROWSER)
    for stays, goes in ((ANNA, MAIL), (BERT, BROWSER), (ANNA, ANNA)):
        with pytest.raises(NotFoundError, match="list of identities"):
            graph.part(client, subject(stays), subject(goes), "e", settings)
    assert len(_journal(client)) == 3
    assert client.exists(keys.IDENTITY_LOCK, keys.IDENTITY_INTENT) == 0


def test_lapsed_link_is_mended(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """A link whose key has lapsed is written again by the next claim, and what came in between goes over."""
    _link(client, settings, ANNA, BROWSER)
    client.delete(keys.record(subject(BROWSER)))
    take(accept("b", user_id=None, anonymous_id="browser"))
    assert _link(client, settings, ANNA, BROWSER) == 0
    assert _events(client, ANNA) == _hashes("b")
    assert len(_journal(client)) == 3


def test_every_breaking_point(take: Take, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes) -> None:
    """Wherever the process dies in a change, recovering leaves the change done whole or not begun, and nothing lost."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    whole = 0
    for after in range(60):
        client.flushall()
        take(accept("c", user_id=None, anonymous_id="browser"), settings=small)
        take(accept("b", user_id=None, anonymous_id="browser"), settings=small)
        fold_long_tails(client, small)
        take(accept("b2", user_id=None, anonymous_id="browser"), accept("a", user_id="anna"), settings=small)
        try:
            graph.link(Frail(client, after, crash), [claim(ANNA, BROWSER)], small)  # type: ignore[arg-type]
        except Crash:
            client.delete(keys.IDENTITY_LOCK)
        else:
            whole += 1
        begun = client.exists(keys.IDENTITY_EPOCH)
        graph.recover(client, small)
        assert (client.get(keys.IDENTITY_INTENT), client.get(keys.IDENTITY_LOCK)) == (None, None)
        assert _events(client, ANNA) == (_hashes("a", "b", "c", "b2") if begun else _hashes("a"))
        assert _events(client, BROWSER) == (_events(client, ANNA) if begun else _hashes("b", "c", "b2"))
    assert 0 < whole < 60


def test_steps_done_again_change_nothing(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of a link and of a parting, done a second time at once or after new events, leave everything as it was."""
    done: list[tuple[int, Any]] = []
    do = applying.do

    def kept(client: SyncRedis, epoch: int, some: Any, settings: Settings) -> None:
        do(client, epoch, some, settings)
        done.append((epoch, some))

    monkeypatch.setattr(graph, "do", kept)
    take(accept("a", user_id="anna"), accept("b", user_id=None, anonymous_id="browser"))
    for change in (_link, lambda *_: graph.part(client, subject(ANNA), subject(BROWSER), "e", settings)):
        change(client, settings, ANNA, BROWSER)
        take(accept(f"c{len(done)}", user_id="anna"))
        take(accept(f"d{len(done)}", user_id=None, anonymous_id="browser"))
        before = _dump(client)
        for epoch, some in done[-1:]:
            do(client, epoch, some, settings)
        assert before == _dump(client)


def _dump(client: SyncRedis) -> dict[bytes, Any]:
    names = [name for name in client.scan_iter() if not name.endswith((b":dirty", b":long"))]
    return {name: client.dump(name) for name in names}


@pytest.mark.parametrize("behind", [False, True])
def test_who_lost_the_lock_is_refused(client: SyncRedis, settings: Settings, behind: bool) -> None:
    """A change that comes too late, its lock being lost, is refused before it has written anything."""

    def late() -> None:
        with graph.changing(client, settings) as change:
            found = change.read([subject(BROWSER), subject(ANNA), subject(BERT)])
            client.delete(keys.IDENTITY_LOCK)
            if behind:
                _link(client, settings, BERT, BROWSER)
            found.claim(claim(ANNA, BROWSER), 0)
            change.write(found, 0)

    with pytest.raises(StoreUnavailableError, match="took too long"):
        late()
    assert _roots(client, BROWSER) == [subject(BERT if behind else BROWSER)]
    assert len(_journal(client)) == (3 if behind else 0)


def test_what_takes_longer_than_the_lock_goes_on_in_smaller_changes(
    client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many claims come at once; and steps that outlast the lock, once done, are not done again by who comes next."""
    read, do, done = graph.GraphChange.read, graph.do, []

    def slow(change: graph.GraphChange, subjects: list[Subject]) -> Graph:
        if len(subjects) > 4:
            client.delete(keys.IDENTITY_LOCK)
        return read(change, subjects)

    def late(asked: SyncRedis, epoch: int, *others: Any) -> None:
        do(asked, epoch, *others)
        done.append(epoch)
        client.delete(keys.IDENTITY_LOCK)

    monkeypatch.setattr(graph.GraphChange, "read", slow)
    monkeypatch.setattr(graph, "do", late)
    browsers = [Identity("anonymous_id", f"browser-{number}") for number in range(9)]
    assert _link(client, settings, ANNA, *browsers) == 9
    assert set(_roots(client, *browsers)) == {subject(ANNA)}
    assert done == sorted(set(done))
    assert not client.exists(keys.IDENTITY_INTENT)


@pytest.mark.parametrize("goes_on", ["alone", "as another's"])
def test_sleeper_spoils_nothing_later(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings, log: Log, goes_on: str
) -> None:
    """Who sleeps anywhere in a change, while others finish it, undo it and go on, changes nothing when awake."""
    for after in range(14):
        client.flushall()
        log = Log(log.folder / str(after))
        log.prepare()
        take(accept("b", user_id=None, anonymous_id="browser"), accept("a", user_id="anna"))
        seen: list[dict[bytes, Any]] = []

        def meanwhile(seen: list[dict[bytes, Any]] = seen, log: Log = log) -> None:
            client.delete(keys.IDENTITY_LOCK)
            graph.recover(client, settings)
            graph.part(client, subject(ANNA), subject(BROWSER), "e", settings)
            rebuild_dirty(client, log, settings)
            take(accept("later", user_id=None, anonymous_id="browser"))
            if goes_on != "alone":
                _link(client, settings, BERT, BROWSER, explicit=True)
            seen.append(_dump(client))

        frail = Frail(client, after, meanwhile, scripts.BEGIN.digest)
        graph.link(frail, [claim(ANNA, BROWSER)], settings)  # type: ignore[arg-type]
        if not seen:
            break
        assert seen[0] == _dump(client)
        assert _roots(client, BROWSER) == [subject(BROWSER if goes_on == "alone" else BERT)]
        assert event_hash("later") in _events(client, BROWSER if goes_on == "alone" else BERT)
        assert _events(client, ANNA) == _hashes("a")
    assert after > 4


def test_lock_is_waited_for(client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others hold the lock all the time, the error says to send the same again, and nothing was changed."""
    monkeypatch.setattr(graph, "LOCK_WAIT_SECONDS", 0.05)
    client.set(keys.IDENTITY_LOCK, b"another")
    with pytest.raises(StoreUnavailableError, match="send the same again"):
        _link(client, settings, ANNA, BROWSER)
    assert (client.get(keys.IDENTITY_LOCK), _journal(client)) == (b"another", [])


def test_denial_counts_before_the_rebuild(
    place: Place, take: Take, accept: Accept, client: SyncRedis, settings: Settings
) -> None:
    """What a merged customer denied, folded long ago, holds for the next event: it is kept without any identity."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=1))
    for granted in (False, True):
        client.flushall()
        consent = {"item_id": None, "properties": {"personalisation": granted}}
        take(
            accept(
                "y",
                "set_consent",
                user_id="anna",
                timestamp="2026-01-05T00:00:00Z",
                item_id=None,
                properties={"personalisation": not granted},
            ),
            accept("x", user_id=None, anonymous_id="browser"),
            accept(
                "z", "set_consent", user_id=None, anonymous_id="browser", timestamp="2026-02-01T00:00:00Z", **consent
            ),
            settings=small,
        )
        fold_long_tails(client, small)
        _link(client, small, ANNA, BROWSER)
        assert graph.places(client, [subject(ANNA)])[subject(ANNA)].waiting == (subject(BROWSER),)
        take(accept("e", user_id="anna"))
        entries: Any = client.xrange(keys.stream(partition_of(subject(ANNA))))
        last = rows.unpack(entries[-1][1][rows.FIRST])
        assert (last[b"s"], last.get(b"a")) == ((subject(ANNA), None) if granted else (b"", b"1"))


def test_chain_of_aliases_is_short(place: Place, client: SyncRedis, settings: Settings) -> None:
    """However customers were merged, each identity leads to its customer in one step."""
    _link(client, settings, BROWSER, MAIL)
    _link(client, settings, CARD, BROWSER)
    _link(client, settings, ANNA, MAIL)

    async def read(whom: Sequence[Identity]) -> list[Subject]:
        async with connection.connect_async(place) as reader:
            return [one.subject for one in await customers.read(RedisPy(reader), [subject(one) for one in whom])]

    assert asyncio.run(read([BROWSER, MAIL, CARD])) == [subject(ANNA)] * 3
    assert _roots(client, BROWSER, MAIL, CARD) == [subject(ANNA)] * 3
