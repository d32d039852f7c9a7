"""Accepting events: each once, durable when answered, on the embedded server and on a real Redis."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.integration.kept import put, record, seen
from tests.unit.customers.people import claim, subject

from etappe.customers.records import WIDTH, decode_tail
from etappe.customers.state import fold_state
from etappe.customers.tails import events_of
from etappe.errors import StoreError, StoreUnavailableError
from etappe.events.identities import Identity
from etappe.events.intake import Accepted, completed
from etappe.ids import PARTITIONS, Subject, event_hash, item_hash, partition_of, subject_of, tombstone_of
from etappe.settings import Consent, Place, Settings, Store, Traffic
from etappe.store import keys
from etappe.store.identities import erasure, graph
from etappe.store.ingesting import ingest as module
from etappe.store.ingesting import rows
from etappe.store.ingesting.ingest import Aliases, Outcome, ingest, subject_for
from etappe.store.records import customers, envelope
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.folding import fold_long_tails

Accept = Callable[..., Accepted]
Take = Callable[..., list[Outcome]]
ANNA = Identity("user_id", "anna")
BERT = Identity("user_id", "bert")
BROWSER = Identity("anonymous_id", "browser")


def _tail(client: SyncRedis, whose: Subject) -> list[int]:
    """The event hashes of a customer's tail."""
    (record,) = customers.read_blocking(client, [whose])
    return [int(one) for one in decode_tail(record.tail)["event"]]


def _streams(client: SyncRedis) -> list[dict[bytes, bytes]]:
    """What the streams tell of each event, entry by entry."""
    found: list[Any] = [entry for name in keys.streams() for entry in client.xrange(name)]  # type: ignore[union-attr]
    return [rows.unpack(row) for _, fields in found for row in fields.values()]


def test_new_events_are_accepted(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """New events are answered as accepted and are in the stream and in the customer's tail, in order."""
    events = [accept("e1"), accept("e2", "purchase", price=2.5)]
    assert take(*events) == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    subject = subject_of(secret, "user_id", "u")
    assert [event_hash("e1"), event_hash("e2")] == _tail(client, subject)
    assert [{b"s": subject, b"e": completed(one)} for one in events] == _streams(client)


def test_answers_follow_the_batch(take: Take, accept: Accept, client: SyncRedis) -> None:
    """Events of many customers, so of many partitions, are answered in the order they were sent."""
    take(*[accept(f"e{number}", user_id=f"u{number}") for number in range(0, 300, 3)])
    events = [accept(f"e{number}", user_id=f"u{number}") for number in range(300)]
    assert [number % 3 != 0 for number in range(300)] == take(*events)
    assert len(_streams(client)) == 300


def test_same_batch_twice(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """A batch sent again is all duplicates and changes nothing."""
    batch = [accept(f"e{number}", user_id=f"u{number % 2}") for number in range(6)]
    assert take(*batch) == [Outcome.ACCEPTED] * 6
    before = _streams(client), [_tail(client, subject_of(secret, "user_id", name)) for name in ("u0", "u1")]
    assert take(*batch) == [Outcome.DUPLICATE] * 6
    assert before == (_streams(client), [_tail(client, subject_of(secret, "user_id", name)) for name in ("u0", "u1")])


def test_duplicates_inside_a_batch(take: Take, accept: Accept, client: SyncRedis) -> None:
    """Of an event that is twice in one batch the first is accepted."""
    assert take(accept("e1"), accept("e1"), accept("e2")) == [True, False, True]
    assert len(_streams(client)) == 2


def test_one_id_of_two_customers(take: Take, accept: Accept) -> None:
    """An event id belongs to a customer: the same id of another is another event."""
    assert take(accept("e1", user_id="a"), accept("e1", user_id="b")) == [True, True]


def test_duplicate_after_folding(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """After its record was folded away an event is recognised by the ring of the base."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=2))
    batch = [accept(f"e{number}") for number in range(4)]
    take(*batch, settings=small)
    assert fold_long_tails(client, settings) == 1
    assert take(*batch) == [False] * 4
    assert take(accept("e4")) == [True]


def test_traits_and_repeats(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """An event with blocks is recognised as any other, and the blocks do not hide the events behind it."""
    traits = accept("t1", "set_traits", item_id=None, properties={"text": "x" * 500})
    assert take(traits, accept("e1"), traits, accept("e1")) == [True, True, False, False]
    (record,) = customers.read_blocking(client, [subject_of(secret, "user_id", "u")])
    state = fold_state(record.base, record.tail, 60.0)
    assert (state.traits(), int(state.base.totals["events"][0])) == ({"text": "x" * 500}, 2)


def test_long_tails_are_noted(take: Take, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes) -> None:
    """A tail beyond the limit is noted for the worker, one at the limit is not."""
    small = msgspec.structs.replace(settings, store=Store(tail_limit=3))
    take(*[accept(f"a{number}", user_id="long") for number in range(4)], settings=small)
    take(*[accept(f"b{number}", user_id="short") for number in range(3)], settings=small)
    assert [subject_of(secret, "user_id", "long")] == customers.waiting(client)


def test_a_record_says_when_it_was_used(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """A record lives on with every event that comes in, whenever it happened, and no key has a time to live."""
    subject = subject_of(secret, "user_id", "u")
    put(client, subject, used=5)
    take(accept("e1"))
    assert seen(client, subject).used == int(time.time()) // 86_400
    assert {client.ttl(key) for key in client.scan_iter()} == {-1}


def test_sale_to_nobody(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """A till receipt is in the stream of its order's partition, without a subject, and makes no customer."""
    receipt = accept("e1", "purchase", user_id=None, order_id="o1")
    assert take(receipt) == [True]
    subject, is_customer = subject_for(secret, receipt.event)
    assert not is_customer
    assert client.xlen(keys.stream(partition_of(subject))) == 1
    assert [{b"s": b"", b"e": completed(receipt)}] == _streams(client)
    assert [seen(client, subject).tail, seen(client, subject).base] == [b"", b""]


def test_user_comes_before_visitor(secret: bytes, accept: Accept) -> None:
    """An event belongs to its user, else to its visitor, else to its order."""
    both = accept("e", anonymous_id="a", order_id="o").event
    visitor = accept("e", user_id=None, anonymous_id="a", order_id="o").event
    assert (subject_of(secret, "user_id", "u"), True) == subject_for(secret, both)
    assert (subject_of(secret, "anonymous_id", "a"), True) == subject_for(secret, visitor)


def test_forgotten_scripts_are_loaded_again(take: Take, accept: Accept, client: SyncRedis) -> None:
    """A server that forgot its scripts, as after a restart, is given them again within the same call."""
    client.script_flush()
    events = [accept(f"e{number}", user_id=f"u{number}") for number in range(20)]
    assert take(*events) == [True] * 20
    client.script_flush()
    assert take(*events) == [False] * 20


def test_empty_batch(take: Take) -> None:
    """No events have no answers."""
    assert take() == []


@pytest.fixture
def full(client: SyncRedis) -> Iterator[None]:
    """A server that has no memory left."""
    client.config_set("maxmemory", 1)
    yield
    client.config_set("maxmemory", 0)


@pytest.fixture
def read_only(client: SyncRedis) -> Iterator[None]:
    """A server that is a replica, as after a fail-over behind our back."""
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    yield
    client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize(("state", "says"), [("full", "is full"), ("read_only", "READONLY|read only")])
def test_server_that_refuses(
    state: str, says: str, request: pytest.FixtureRequest, take: Take, accept: Accept, client: SyncRedis
) -> None:
    """A server that may not write is a StoreError with its words and what to do; nothing of the batch is taken."""
    request.getfixturevalue(state)
    batch = [accept(f"e{number}", user_id=f"u{number}") for number in range(5)]
    with pytest.raises(StoreError, match=rf"(?si)Redis (refuses the events: .*)?({says}).*send the same again"):
        take(*batch)
    assert [key for key in client.scan_iter() if b":stream" in key or b":c:" in key] == []


def _browser(accept: Accept, event_id: str, *more: object, **fields: object) -> Accepted:
    return accept(event_id, *more, user_id=None, anonymous_id="browser", **fields)


def _process(place: Place, secret: bytes, settings: Settings) -> Callable[..., list[Outcome]]:
    """A serving process that remembers whose subjects are."""
    aliases = Aliases()

    def taken(*events: Accepted) -> list[Outcome]:
        async def send() -> list[Outcome]:
            async with connection.connect_async(place) as client:
                return await ingest(RedisPy(client), secret, events, settings, aliases)

        return asyncio.run(send())

    return taken


def test_events_go_to_whom_they_belong(
    place: Place, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes
) -> None:
    """Of any identity, after any change, known to the process or not, events go to the record of the customer by now."""
    take = _process(place, secret, settings)
    anna, browser = (subject(one) for one in (ANNA, BROWSER))
    take(_browser(accept, "e1"))
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    take(_browser(accept, "e2"), accept("e3", user_id="anna"), _browser(accept, "e4"))
    assert set(_tail(client, anna)) == {event_hash(f"e{number}") for number in range(1, 5)}
    graph.part(client, anna, browser, "e", settings)
    take(_browser(accept, "e5"), accept("e6", user_id="anna"))
    assert [event_hash("e5")] == _tail(client, browser)
    graph.link(client, [claim(BERT, BROWSER, explicit=True)], settings)
    take(_browser(accept, "e7"))
    assert [event_hash("e5"), event_hash("e7")] == _tail(client, subject(BERT))
    named = {fields[b"s"] for fields in _streams(client)}
    assert named == {anna, browser}


def test_repeat_under_another_identity(
    place: Place, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes
) -> None:
    """An event that comes again under another identity of the same customer is a duplicate."""
    take = _process(place, secret, settings)
    take(_browser(accept, "e"))
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    assert take(accept("e", user_id="anna"), _browser(accept, "e"), _browser(accept, "f")) == [
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.ACCEPTED,
    ]


def test_change_under_way_is_waited_for(
    place: Place,
    accept: Accept,
    client: SyncRedis,
    settings: Settings,
    secret: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event of who is just being taken out waits for the end of that; where it does not come, the batch is refused."""
    monkeypatch.setattr(module, "_TRIES", 5)
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    client.hdel(keys.members(subject(ANNA)), subject(BROWSER))  # type: ignore[arg-type]
    take = _process(place, secret, settings)
    with pytest.raises(StoreUnavailableError, match="identities are being changed; send the same batch again"):
        take(_browser(accept, "e"))
    assert _streams(client) == []


def test_flagged_events_are_kept_apart(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes
) -> None:
    """Unwanted traffic is in the stream with its flag and in no tail, and a repeat of it is recognised."""
    staff = accept("e1", properties={"staff": True})
    few = msgspec.structs.replace(settings, traffic=Traffic(events_per_minute=2))
    events = [staff, *[accept(f"f{number}", timestamp="2026-01-01T10:00:00Z") for number in range(4)]]
    assert take(*events, settings=few) == [Outcome.ACCEPTED] * 5
    assert take(*events, settings=few) == [Outcome.DUPLICATE] * 5
    assert [fields.get(b"f") for fields in _streams(client)] == [b"staff", None, None, b"rate", b"rate"]
    assert [event_hash("f0"), event_hash("f1")] == _tail(client, subject_of(secret, "user_id", "u"))
    assert take(accept("g", timestamp="2026-01-01T10:01:00Z"), settings=few) == [Outcome.ACCEPTED]
    assert len(_tail(client, subject_of(secret, "user_id", "u"))) == 3


def test_who_denied_leaves_no_identity(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """Events after a denial are accepted, marked to be kept without any identity, and in no tail, until it is taken back."""

    def said(event_id: str, granted: bool, minute: int) -> Accepted:
        time = f"2026-01-01T10:{minute:02d}:00Z"
        return accept(event_id, "set_consent", item_id=None, properties={"personalisation": granted}, timestamp=time)

    events = [accept("e1"), said("no", False, 5), accept("e2"), said("earlier", True, 4), accept("e3")]
    assert take(*events, said("yes", True, 6), accept("e4")) == [Outcome.ACCEPTED] * 7
    assert take(accept("e2"), accept("e3")) == [Outcome.DUPLICATE] * 2
    me = subject_of(secret, "user_id", "u")
    marked = [(fields[b"s"] == me, fields.get(b"a")) for fields in _streams(client)]
    assert marked == [(True, None)] * 2 + [(False, b"1"), (True, None), (False, b"1")] + [(True, None)] * 2
    assert [event_hash(name) for name in ("e1", "no", "earlier", "yes", "e4")] == _own_events(client, me)


def _own_events(client: SyncRedis, whose: Subject) -> list[int]:
    """The event hashes of a tail, blocks left out."""
    (record,) = customers.read_blocking(client, [whose])
    return [int.from_bytes(one[:8], "little") for one in events_of(record.tail)]


def test_unknown_consent_may_deny(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """With consent.unknown = deny, nobody's events are kept with an identity before they consent."""
    strict = msgspec.structs.replace(settings, consent=Consent(unknown="deny"))
    take(accept("e1"), settings=strict)
    take(
        accept("yes", "set_consent", item_id=None, properties={"personalisation": True}), accept("e2"), settings=strict
    )
    assert [fields.get(b"a") for fields in _streams(client)] == [b"1", None, None]


def test_denial_outlasts_silence(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """A denial is kept as long as the customer comes, though none of their events goes to their record."""
    me = subject_of(secret, "user_id", "u")
    take(accept("no", "set_consent", item_id=None, properties={"personalisation": False}))
    client.setrange(keys.record(me), envelope.HEADER_BYTES - 2, b"\1\0")  # type: ignore[arg-type]
    take(accept("e"))
    assert seen(client, me).used == int(time.time()) // 86_400


def test_who_was_erased_before_they_were_linked(
    place: Place, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes
) -> None:
    """An identity's own tombstone counts also where its customer was never erased, and a process that knew it before."""
    take = _process(place, secret, settings)
    browser = subject_of(secret, "anonymous_id", "browser")
    take(_browser(accept, "e1"))
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    take(_browser(accept, "e2"))
    erasure.erase(client, secret, BROWSER, browser, settings)
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    for one in (browser, subject(ANNA)):
        client.set(keys.gone(one, tombstone_of(secret, one)), int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1000))
    before, since = {"timestamp": "2026-01-31T00:00:00Z"}, {"timestamp": "2026-02-02T00:00:00Z"}
    found = take(
        _browser(accept, "e3", **before), accept("e4", user_id="anna", **before), _browser(accept, "e5", **since)
    )
    assert found == [Outcome.ERASED, Outcome.ERASED, Outcome.ACCEPTED]


def test_a_record_that_cannot_be_read(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """Events of somebody whose record is of another version are kept as nobody's, and the record stays as it is."""
    me = subject_of(secret, "user_id", "u")
    client.set(keys.record(me), b"\x09 of another version")
    assert take(accept("e1")) == [Outcome.ACCEPTED]
    assert [(one[b"s"], one[b"a"]) for one in _streams(client)] == [(b"", b"1")]
    assert client.get(keys.record(me)) == b"\x09 of another version"


def test_a_long_tail_is_searched_at_its_end(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """Of a tail that nobody folds the base and the last thousand events are looked at, and it goes on growing."""
    me = subject_of(secret, "user_id", "u")
    base = bytes([2, 1, 0, 0, 5, 0, 0, 0]) + bytes(16) + event_hash("folded").to_bytes(8, "little")
    put(client, me, base, b"".join(record(f"{number:08d}") for number in range(5_000)))
    take(accept("e1"))
    assert take(accept("e1"), accept("folded"), accept("e2")) == [False, False, True]
    assert len(seen(client, me).tail) == 5_002 * WIDTH


def test_before_an_erasure(take: Take, accept: Accept, client: SyncRedis, settings: Settings, secret: bytes) -> None:
    """What happened before a customer was erased is refused, and what happened since is a new customer's."""
    me = subject_of(secret, "user_id", "u")
    take(accept("e1"))
    erasure.erase(client, secret, Identity("user_id", "u"), me, settings)
    client.set(keys.gone(me, tombstone_of(secret, me)), int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1000))
    before, since = accept("e2", timestamp="2026-01-31T00:00:00Z"), accept("e3", timestamp="2026-02-02T00:00:00Z")
    assert take(before, since) == [Outcome.ERASED, Outcome.ACCEPTED]
    assert [event_hash("e3")] == _tail(client, me)


def test_repeat_after_a_partial_failure(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """Where one partition fails, the others have their events, and the batch sent again loses and doubles nothing."""
    batch = [accept(f"e{number}", user_id=f"u{number}") for number in range(8)]
    broken = keys.stream(partition_of(subject_of(secret, "user_id", "u3")))
    client.set(broken, b"no stream")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        take(*batch)
    client.delete(broken)
    stuck = partition_of(subject_of(secret, "user_id", "u3"))
    expected = [partition_of(subject_of(secret, "user_id", f"u{number}")) == stuck for number in range(8)]
    assert expected == take(*batch)
    assert sorted(completed(one) for one in batch) == sorted(fields[b"e"] for fields in _streams(client))


def test_no_server(tmp_path: Path, accept: Accept, settings: Settings, secret: bytes) -> None:
    """Where nothing answers the error says so, and that the batch may be sent again."""

    async def send() -> None:
        async with connection.connect_async(Place(tmp_path, redis_url=f"unix://{tmp_path}/none.sock")) as client:
            await ingest(RedisPy(client), secret, [accept("e")], settings)

    with pytest.raises(StoreUnavailableError, match=r"does not answer: .*send the same batch again"):
        asyncio.run(send())


def test_accepted_events_survive_a_kill(
    own_place: Place, kill_and_restart: Callable[[], None], accept: Accept, settings: Settings, secret: bytes
) -> None:
    """What was accepted is there after the server was killed with -9 right behind the answer, and stays a duplicate."""
    batch = [accept(f"e{number}", user_id=f"u{number}") for number in range(40)]

    async def send() -> list[Outcome]:
        async with connection.connect_async(own_place) as client:
            return await ingest(RedisPy(client), secret, batch, settings)

    assert asyncio.run(send()) == [True] * 40
    kill_and_restart()
    with connection.connect(own_place) as client:
        assert sorted(completed(one) for one in batch) == sorted(fields[b"e"] for fields in _streams(client))
    assert asyncio.run(send()) == [False] * 40


def test_random_batches_equal_a_model(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """Random batches with repeats are accepted as a set of (customer, event) would, and all of it is in the stream."""
    rng = np.random.default_rng(7)
    known: set[tuple[str, str]] = set()
    for _ in range(20):
        pairs = [(f"u{rng.integers(5)}", f"e{rng.integers(60)}") for _ in range(rng.integers(1, 20))]
        expected = []
        for pair in pairs:
            expected.append(pair not in known)
            known.add(pair)
        assert expected == take(*[accept(event, user_id=user) for user, event in pairs])
    assert len(known) == len(_streams(client))
    for user in {user for user, _ in known}:
        mine = {event_hash(event) for name, event in known if name == user}
        assert mine == set(_tail(client, subject_of(secret, "user_id", user)))


def test_keys_share_the_partition(take: Take, accept: Accept, client: SyncRedis, secret: bytes) -> None:
    """All keys of a customer have the hash tag of their partition, so that one script may touch them on a cluster."""
    subject = subject_of(secret, "user_id", "u")
    take(accept("e"))
    tag = f"{{{subject[0]:03d}}}".encode()
    found = list(client.scan_iter())
    assert {key.split(b":")[2] for key in found} == {b"stream", b"c"}
    assert all(tag in key for key in found)
    assert len(set(keys.streams())) == PARTITIONS
    assert keys.answer(subject, "r").startswith(keys.stream(partition_of(subject)).removesuffix("stream"))
    assert item_hash("i") == decode_tail(customers.read_blocking(client, [subject])[0].tail)["item"][0]
