"""From the streams into the log: everything once, whatever is killed when."""

import json
from collections.abc import Callable

import msgspec
import pytest

from etappe.catalog.item import ItemPatch
from etappe.events.intake import Accepted
from etappe.ids import subject_of
from etappe.log import Log
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving import archive as module
from etappe.worker.archiving import streams
from etappe.worker.archiving.archive import archive

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]
FIELDS = ("user_id", "anonymous_id", "item_id", "quantity", "price", "currency", "order_id", "channel")


def _row(accepted: Accepted, subject: bytes | None) -> dict[str, object]:
    event = accepted.event
    said = {name: getattr(event, name) for name in FIELDS}
    properties = (
        None if event.properties is None else json.dumps(event.properties, separators=(",", ":"), ensure_ascii=False)
    )
    name = str(event.__struct_config__.tag)
    ours = {"event_id": accepted.event_id, "event": name, "time": accepted.time, "properties": properties}
    return (
        said
        | ours
        | {
            "subject": subject,
            "source": "stream",
            "flag": None,
            "raw": None,
            "claim": getattr(event, "claim", False) or None,
        }
    )


def _logged(log: Log) -> list[dict[str, object]]:
    rows = log.scan("event").drop("received").collect().to_dicts()
    return sorted(rows, key=lambda row: str(row["event_id"]))


def _waiting(client: SyncRedis) -> int:
    return sum(client.xlen(name) for name in keys.streams())  # type: ignore[misc]


def test_log_equals_what_was_accepted(take: Take, accept: Accept, client: SyncRedis, log: Log, secret: bytes) -> None:
    """Every accepted event is in the log, field by field, under its customer's subject, and the streams are empty."""
    events = [
        accept("e0", "purchase", quantity=2, price=2.55, currency="GBP", order_id="o", channel="store"),
        accept("e1", "search", item_id=None, properties={"search_term": "Käse", "n": [1, {"x": None}]}),
        accept("e2", "set_traits", item_id=None, properties={"country": "DE"}, timestamp="2011-12-09T12:50:00.123456Z"),
        accept("e3", user_id=None, anonymous_id="a"),
        accept("e4", "purchase", user_id=None, order_id="o9", price=1.0),
        accept("e5", "refund", order_id="o", claim=True),
        *[accept(f"f{number}", user_id=f"u{number}") for number in range(100)],
    ]
    take(*events)
    assert archive(client, log) == 106
    mine, visitor = subject_of(secret, "user_id", "u"), subject_of(secret, "anonymous_id", "a")
    subjects = [mine, mine, mine, visitor, None, mine]
    subjects += [subject_of(secret, "user_id", f"u{number}") for number in range(100)]
    expected = [_row(event, subject) for event, subject in zip(events, subjects, strict=True)]
    assert sorted(expected, key=lambda row: str(row["event_id"])) == _logged(log)
    assert (_waiting(client), log.position()) == (0, 1)


def test_received_is_when_redis_took_it(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """A row says when the event was accepted, by the clock that made the stream's id."""
    take(accept("e"))
    (place,) = [place for name in keys.streams() for place, _ in client.xrange(name)]  # type: ignore[union-attr]
    archive(client, log)
    (received,) = log.scan("event").collect()["received"].dt.epoch("ms").to_list()
    assert journal.ordered(place.decode())[0] == received


def test_archiving_again_adds_nothing(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """Where nothing came in, archiving adds neither rows nor commits."""
    take(accept("e"))
    archive(client, log)
    assert (archive(client, log), log.position(), len(_logged(log))) == (0, 1, 1)


def test_goes_on_where_it_stopped(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """What comes in later is added behind, in a commit of its own."""
    for number in range(3):
        take(accept(f"e{number}"))
        assert archive(client, log) == 1
    assert log.scan("event").collect()["event_id"].to_list() == ["e0", "e1", "e2"]


def test_killed_between_commit_and_trim(
    take: Take, accept: Accept, client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed after the commit and before trimming doubles nothing: not what was there, not what came since."""
    take(accept("e0"))
    with monkeypatch.context() as patched:
        patched.setattr(streams, "trim", lambda _client, _waiting: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archive(client, log)
    assert (_waiting(client), log.position()) == (1, 1)
    again = Log(log.folder)
    again.prepare()
    assert archive(client, again) == 0
    take(accept("e1"))
    assert archive(client, again) == 1
    assert again.scan("event").collect()["event_id"].to_list() == ["e0", "e1"]
    assert _waiting(client) == 0


def test_killed_before_the_commit(
    take: Take, accept: Accept, client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed before the commit loses nothing: the streams still have it all."""
    take(accept("e0"), accept("e1", user_id="other"))
    with monkeypatch.context() as patched:
        patched.setattr(Log, "_commit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archive(client, log)
    assert (_waiting(client), log.position()) == (2, 0)
    assert archive(client, log) == 2


def test_retry_of_a_sale_to_nobody(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """A till receipt sent again when Redis has forgotten it counts once in the log."""
    receipt = accept("e", "purchase", user_id=None, order_id="o", price=1.0)
    take(receipt)
    client.delete(*client.keys("etappe:*:c:*"))  # type: ignore[misc]
    take(receipt)
    archive(client, log)
    assert (log.rows("event"), log.events().collect().height) == (2, 1)


def test_long_streams_take_several_commits(
    take: Take, accept: Accept, client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream longer than is read at a time is archived to its end, in order."""
    monkeypatch.setattr(module, "PER_STREAM", 4)
    for number in range(10):
        take(accept(f"e{number:02d}"))
    assert archive(client, log) == 10
    assert ([f"e{number:02d}" for number in range(10)], 3) == (
        log.scan("event").collect()["event_id"].to_list(),
        log.position(),
    )


def test_ends_while_events_keep_coming(
    take: Take, accept: Accept, client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While events keep coming one archiving still ends, so that folding gets its turn."""
    trim, rounds = streams.trim, list[int]()

    def trim_and_more(*arguments: object) -> None:
        trim(*arguments)  # type: ignore[arg-type]
        rounds.append(1)
        assert len(rounds) < 5
        take(accept(f"later{len(rounds)}"))

    monkeypatch.setattr(streams, "trim", trim_and_more)
    take(accept("e"))
    assert archive(client, log) == 1


def test_journal_is_archived_and_kept(client: SyncRedis, log: Log) -> None:
    """Changes of catalogue and keys are in the log with their position, and stay in the journal for the replicas."""
    patches = [ItemPatch(id="i", price=2.5)]
    position = journal.append_items(client, patches)
    assert (archive(client, log), archive(client, log)) == (1, 0)
    ((kept, kind, payload),) = log.scan("config").select("position", "kind", "payload").collect().iter_rows()
    assert (position, journal.ITEMS, patches) == (kept, kind, msgspec.json.decode(payload, type=list[ItemPatch]))
    assert client.xlen(keys.CONFIG_STREAM) == 1


def test_decisions_are_archived(client: SyncRedis, log: Log) -> None:
    """Decision records are in the log and out of Redis; a stranger's has no subject."""
    for number, subject in enumerate((b"s", b"")):
        fields = {"d": f"d{number}", "t": 1_767_225_600_123, "s": subject, "r": f'{{"n":{number}}}'}
        client.xadd(keys.DECISION_STREAM, fields)  # type: ignore[arg-type]
    archive(client, log)
    rows = log.scan("decision").collect()
    assert list(rows.drop("time").iter_rows()) == [("d0", b"s", '{"n":0}'), ("d1", None, '{"n":1}')]
    assert rows["time"].dt.epoch("ms").to_list() == [1_767_225_600_123] * 2
    assert client.xlen(keys.DECISION_STREAM) == 0


def test_sales_of_nobody_with_one_id(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """Tills that number the lines of each order anew sell three times in three orders, online, in the log, and again."""
    lines = [accept("1", "purchase", user_id=None, order_id=order, price=2.0) for order in ("a", "b", "c")]
    assert take(*lines, *lines) == [True] * 3 + [False] * 3
    assert archive(client, log) == 3
    assert sorted(log.events().collect()["order_id"]) == ["a", "b", "c"]


def test_nobodys_entries_are_known_again(
    take: Take, accept: Accept, client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries of nobody that were archived and not yet trimmed are not archived again."""
    take(*[accept("1", "purchase", user_id=None, order_id=order, price=2.0) for order in ("a", "b")])
    with monkeypatch.context() as patched:
        patched.setattr(streams, "trim", lambda *_: None)
        archive(client, log)
    assert archive(client, log) == 0
    assert log.rows("event") == 2
