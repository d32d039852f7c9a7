"""What archiving makes of streams that are not as it left them: entries of all kinds, unreadable ones, lost ones."""

import errno
import json
from collections.abc import Callable

import msgspec
import pytest

from etappe import faults
from etappe.catalog.item import ItemPatch
from etappe.events.intake import Accepted
from etappe.log import Log
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving import archive as module
from etappe.worker.archiving import rejected, streams
from etappe.worker.archiving.archive import archive

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]
STREAM = keys.stream(7)
TIME = "2026-03-01T12:00:00.5Z"


def _event(name: str, **fields: object) -> bytes:
    said = {"event": "view_item", "event_id": name, "timestamp": TIME, "user_id": "u", "item_id": "i"} | fields
    return json.dumps(said).encode()


def _enter(client: SyncRedis, place: str, name: str, stream: str = STREAM, **fields: object) -> None:
    """An event of user u, with the given id in its stream."""
    client.xadd(stream, {"s": b"s" * 16, "e": _event(name, **fields)}, id=place)


def _archived(log: Log) -> list[str]:
    return log.scan("event").collect()["event_id"].to_list()


def _set_aside(log: Log) -> list[dict[str, object]]:
    path = log.folder.parent / "rejected" / rejected.FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _kill_before_trim(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(streams, "trim", lambda _client, _waiting: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            archive(client, log)


def test_flag_and_payload(client: SyncRedis, log: Log) -> None:
    """Why an event is left out, and the payload it was made of, are in its row."""
    client.xadd(STREAM, {"s": b"s" * 16, "e": _event("e"), "f": "bot", "r": '{"ä": 1}'})
    archive(client, log)
    row = log.scan("event").collect().row(0, named=True)
    assert (row["flag"], row["raw"], row["subject"], row["user_id"]) == ("bot", '{"ä": 1}', b"s" * 16, "u")


def test_an_event_without_consent_is_nobodys(client: SyncRedis, log: Log) -> None:
    """Of an event to be kept without its customer nothing is in the log that says who it was."""
    event = _event("e", anonymous_id="a", properties={"identities": {"device": "d"}})
    client.xadd(STREAM, {"s": b"s" * 16, "e": event, "a": "1", "r": '{"userId": "u"}'})
    archive(client, log)
    row = log.scan("event").collect().row(0, named=True)
    names = ("subject", "user_id", "anonymous_id", "properties", "raw")
    assert ({name: row[name] for name in names}, row["event_id"], row["item_id"]) == (dict.fromkeys(names), "e", "i")


def test_changes_of_identities(client: SyncRedis, log: Log) -> None:
    """Each change of the identity graph is rows of the table, in order, and the stream is trimmed."""
    change = {
        "action": "link",
        "subject": "aa" * 16,
        "customer": "bb" * 16,
        "kind": "user_id",
        "value": "u",
        "cause": "e",
    }
    gone = {"action": "erase", "subject": "cc" * 16, "customer": None, "kind": None, "value": None, "cause": "r"}
    client.xadd(keys.IDENTITY_STREAM, {"n": 7, "t": 1_767_225_600_123, "p": json.dumps([change, gone])})
    client.xadd(keys.IDENTITY_STREAM, {"n": 8, "t": 1_767_225_600_124, "p": json.dumps([change])})
    assert archive(client, log) == 2
    rows = log.scan("identity").collect()
    assert rows["epoch"].to_list() == [7, 7, 8]
    assert rows["time"].dt.epoch("ms").to_list() == [1_767_225_600_123, 1_767_225_600_123, 1_767_225_600_124]
    assert rows.drop("epoch", "time").rows()[:2] == [
        ("link", b"\xaa" * 16, b"\xbb" * 16, "user_id", "u", "e"),
        ("erase", b"\xcc" * 16, None, None, None, "r"),
    ]
    assert client.xlen(keys.IDENTITY_STREAM) == 0


BAD = [
    {"s": b"s", "e": b"{"},
    {"s": b"s", "e": b'{"event": "no such event"}'},
    {"s": b"s"},
    {"e": _event("no subject")},
    {"s": b"\xff\xfe", "e": _event("no time", timestamp=None)},
    {"s": b"s", "e": _event("no text").replace(b'"u"', b'"\xff"')},
    {"s": b"s", "e": _event("beyond all columns", quantity=10**30)},
]


@pytest.mark.parametrize("bad", BAD)
def test_unreadable_entry_is_set_aside(
    client: SyncRedis, log: Log, caplog: pytest.LogCaptureFixture, bad: dict[str, bytes]
) -> None:
    """An entry that cannot be read is in a file of its own, with place and reason; all others are in the log."""
    _enter(client, "1-0", "before")
    client.xadd(STREAM, bad, id="2-0")  # type: ignore[arg-type]
    _enter(client, "3-0", "after")
    _enter(client, "1-0", "elsewhere", stream=keys.stream(8))
    assert archive(client, log) == 4
    assert _archived(log) == ["before", "after", "elsewhere"]
    (told,) = _set_aside(log)
    assert (told["stream"], told["id"]) == (STREAM, "2-0")
    assert told["reason"]
    assert {*told["fields"], *told["base64"]} == set(bad)  # type: ignore[misc]
    assert "set aside" in caplog.text
    assert (client.xlen(STREAM), archive(client, log), len(_set_aside(log))) == (0, 0, 1)


@pytest.mark.parametrize("stream", [keys.IDENTITY_STREAM, keys.DECISION_STREAM, keys.CONFIG_STREAM])
def test_unreadable_entries_of_other_streams(client: SyncRedis, log: Log, stream: str) -> None:
    """Entries of every stream may be unreadable without stopping the rest, and are told of once."""
    client.xadd(stream, {"x": b"\xff"})
    _enter(client, "1-0", "e")
    assert (archive(client, log), archive(client, log)) == (2, 0)
    assert [(one["stream"], one["base64"]) for one in _set_aside(log)] == [(stream, {"x": "/w=="})]
    assert _archived(log) == ["e"]


def test_a_line_that_was_broken_off(client: SyncRedis, log: Log) -> None:
    """An entry set aside after a crash in the middle of a line has a line of its own."""
    path = log.folder.parent / "rejected" / rejected.FILE
    path.parent.mkdir()
    path.write_text('{"stream": "etap')
    client.xadd(STREAM, {"x": "y"})
    archive(client, log)
    assert json.loads(path.read_text().splitlines()[1])["fields"] == {"x": "y"}


def test_setting_aside_on_a_full_disk(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be set aside leaves nothing in the file, and the entry stays in its stream."""

    def full(name: str) -> None:
        if name == "archive.reject.before_fsync":
            raise OSError(errno.ENOSPC, "full")

    client.xadd(STREAM, {"x": "y"})
    with monkeypatch.context() as patched:
        patched.setattr(faults, "point", full)
        with pytest.raises(OSError, match="full"):
            archive(client, log)
    assert (_set_aside(log), client.xlen(STREAM), log.position()) == ([], 1, 0)
    assert (archive(client, log), len(_set_aside(log))) == (1, 1)


def test_entries_archived_and_not_trimmed(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the streams when a worker is killed before it trims them is in the log once."""
    _enter(client, "5-1", "e0")
    client.xadd(
        keys.IDENTITY_STREAM,
        {
            "n": 1,
            "t": 5,
            "p": '[{"action":"share","subject":"aa","customer":null,"kind":null,"value":null,"cause":null}]',
        },
    )
    client.xadd(keys.DECISION_STREAM, {"d": "d", "t": 5, "s": b"", "r": "{}"})
    journal.append_items(client, [ItemPatch(id="i")])
    _kill_before_trim(client, log, monkeypatch)
    _enter(client, "5-2", "e1")
    assert archive(client, Log(log.folder)) == 1
    assert _archived(log) == ["e0", "e1"]
    assert [log.rows(table) for table in ("identity", "decision", "config")] == [1, 1, 1]
    assert [client.xlen(name) for name in (STREAM, keys.IDENTITY_STREAM, keys.DECISION_STREAM)] == [0, 0, 0]


@pytest.mark.parametrize("looked", [True, False])
def test_a_stream_that_begins_again(
    client: SyncRedis, log: Log, caplog: pytest.LogCaptureFixture, looked: bool
) -> None:
    """When Redis has lost a stream and its ids are lower than before, what comes in is archived, each entry once."""
    for number in range(3):
        _enter(client, f"100-{number}", f"old{number}")
    archive(client, log)
    client.delete(STREAM)
    for number in range(3):
        _enter(client, f"50-{number}", f"new{number}")
        if looked:
            assert archive(client, log) == 1
    _enter(client, "200-0", "last")
    assert archive(client, log) == (1 if looked else 4)
    assert _archived(log) == ["old0", "old1", "old2", "new0", "new1", "new2", "last"]
    assert (client.xlen(STREAM), archive(client, log), log.streams()[STREAM]) == (0, 0, "200-0")
    assert ("Redis has lost what it had" in caplog.text) == looked


def test_a_stream_restored_from_a_backup(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is back from before: what the log has stays once, what came in since is added."""
    monkeypatch.setattr(module, "PER_STREAM", 4)
    for number in range(20):
        _enter(client, f"100-{number}", f"e{number}")
    archive(client, log)
    client.delete(STREAM)
    for number in range(10):
        _enter(client, f"100-{number}", f"e{number}")
    for number in range(3):
        _enter(client, f"100-{10 + number}", f"n{number}")
    assert archive(client, log) == 3
    assert sorted(_archived(log)) == sorted([f"e{number}" for number in range(20)] + ["n0", "n1", "n2"])
    _enter(client, "100-13", "n3")
    assert (archive(client, log), client.xlen(STREAM)) == (1, 0)
    assert log.rows("event") == 24


def test_killed_after_a_stream_began_again(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of a stream that began again are in the log once, also when the worker is killed before it trims them."""
    monkeypatch.setattr(module, "PER_STREAM", 2)
    _enter(client, "100-0", "old")
    archive(client, log)
    client.delete(STREAM)
    for number in range(5):
        _enter(client, f"50-{number}", f"new{number}")
        _kill_before_trim(client, log, monkeypatch)
    archive(client, log)
    assert sorted(_archived(log)) == ["new0", "new1", "new2", "new3", "new4", "old"]


def test_a_journal_that_begins_again(client: SyncRedis, log: Log) -> None:
    """When Redis has lost the journal and its ids are lower than before, each change is archived once."""
    client.xadd(keys.CONFIG_STREAM, {"k": "items", "p": "[0]"}, id="100-0")
    archive(client, log)
    client.delete(keys.CONFIG_STREAM)
    for number in range(3):
        client.xadd(keys.CONFIG_STREAM, {"k": "items", "p": f"[{number}]"}, id=f"50-{number}")
        assert (archive(client, log), archive(client, log)) == (1, 0)
    assert log.scan("config").collect()["position"].to_list() == ["100-0", "50-0", "50-1", "50-2"]


def _decide(client: SyncRedis, count: int, keep: int) -> None:
    for number in range(count):
        fields = {"d": f"d{number}", "t": 1_767_225_600_123, "s": b"", "r": "{}"}
        client.xadd(keys.DECISION_STREAM, fields, maxlen=keep, approximate=False)  # type: ignore[arg-type]


def test_dropped_decisions_are_counted(
    client: SyncRedis, log: Log, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that Redis dropped before they were archived are told of, once and with their number; others are not."""
    monkeypatch.setattr(module, "PER_STREAM", 3)
    _decide(client, 8, 100)
    archive(client, log)
    _decide(client, 5, 100)
    _kill_before_trim(client, log, monkeypatch)
    archive(client, Log(log.folder))
    assert caplog.text == ""
    _decide(client, 12, 5)
    archive(client, Log(log.folder))
    archive(client, log)
    if int(client.info("server")["redis_version"].partition(".")[0]) >= 7:
        assert caplog.text.count("7 decision records were dropped before they were archived") == 1
    assert log.rows("decision") == 18
    client.flushall()
    caplog.clear()
    _decide(client, 3, 100)
    archive(client, log)
    assert "dropped" not in caplog.text


def test_full_disk_at_every_step(client: SyncRedis, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full at any step, entries wait, and are in the log once when there is room again."""
    expected, failed, step = list[str](), 0, 0
    while failed == step:
        step += 1
        _enter(client, f"{step}-0", f"e{step:02d}")
        client.xadd(keys.stream(9), {"x": f"{step}"})
        expected.append(f"e{step:02d}")
        passed = list[str]()

        def point(name: str, passed: list[str] = passed, step: int = step) -> None:
            passed.append(name)
            if len(passed) == step:
                raise OSError(errno.ENOSPC, "full")

        with monkeypatch.context() as patched:
            patched.setattr(faults, "point", point)
            try:
                archive(client, log)
            except OSError:
                failed += 1
        assert set(_archived(log)) <= set(expected)
        archive(client, log)
        assert _archived(log) == expected
    assert failed > 15
    assert {str(one["fields"]) for one in _set_aside(log)} == {str({"x": f"{number + 1}"}) for number in range(step)}


def test_time_that_goes_back(take: Take, accept: Accept, client: SyncRedis, log: Log) -> None:
    """Days are those of the events, in whatever order they come, and positions those of the streams."""
    for day in (9, 3, 9, 1):
        take(accept(f"e{day}", timestamp=f"2026-02-0{day}T12:00:00Z"))
        archive(client, log)
    assert log.days("event") == ["2026-02-01", "2026-02-03", "2026-02-09"]
    assert _archived(log) == ["e9", "e3", "e1"]


def test_rows_as_ever(client: SyncRedis, log: Log) -> None:
    """An entry without the newer fields is read as it always was."""
    _enter(client, "1-0", "e", quantity=2, price=2.5, properties={"a": [1]})
    archive(client, log)
    row = log.scan("event").collect().row(0, named=True)
    assert (row["quantity"], row["price"], msgspec.json.decode(row["properties"])) == (2, 2.5, {"a": [1]})
    assert (row["flag"], row["raw"], row["source"]) == (None, None, "stream")
