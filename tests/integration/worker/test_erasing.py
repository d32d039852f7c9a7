"""The log rewritten without who was erased, in time and whatever breaks it off."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.integration.living import Living

from etappe.customers.state import fold_state
from etappe.events.identities import Identity
from etappe.ids import Subject, browser_of, partition_of
from etappe.store import keys
from etappe.store.identities import erasure, exports
from etappe.store.identities.erasure import Receipt, Redacted
from etappe.store.logged import learning_rows
from etappe.store.records import customers
from etappe.worker.archiving.archive import archive
from etappe.worker.archiving.rejected import WITHHELD
from etappe.worker.erasing import rewriting as erasing
from etappe.worker.erasing.rewriting import erase_due, erase_now
from etappe.worker.rebuilding import rebuild_dirty


@pytest.fixture
def rejected(living: Living) -> Path:
    """The folder of rejected rows."""
    folder = living.place.data / "rejected"
    folder.mkdir(exist_ok=True)
    return folder


def _texts(living: Living) -> str:
    """All that the log has, subjects as hex."""
    tables = [living.log.scan(table).collect() for table in ("event", "identity", "decision", "config")]
    return "\n".join(str(row) for table in tables for row in table.with_columns(_hex(table)).iter_rows())


def _hex(table: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col(name).bin.encode("hex") for name in ("subject", "customer") if name in table.columns]


def _decide(living: Living, decision: str, value: str, record: bytes = b"{}") -> None:
    """A decision about a user, made by the clock of Redis."""
    seconds, micro = living.client.time()
    moment = seconds * 1000 + micro // 1000
    fields: Any = {"d": decision, "t": moment, "s": living.subject(value), "r": record}
    living.client.xadd(keys.DECISION_STREAM, fields)


def test_nothing_is_rewritten_before_it_is_due(living: Living, rejected: Path) -> None:
    """The worker waits until an erasure is due within a day, then takes all that wait along, and says so."""
    living.did("1", user_id="u")
    living.erase("u")
    assert erase_due(living.client, living.log, rejected, living.settings) == 0
    assert [row["event_id"] for row in living.rows()] == ["1"]
    assert timedelta(days=living.settings.erasure.days).total_seconds() * 1000 > erasing.AHEAD_MS


def test_rewritten_when_due(living: Living, rejected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once due, nothing of the person is in any table, and the receipt says when that was."""
    living.did("1", anonymous_id="browser-of-u")
    living.did("2", "login", user_id="user-u", anonymous_id="browser-of-u")
    living.did("3", user_id="user-v")
    _decide(living, "d-u", "user-u")
    _decide(living, "d-v", "user-v")
    receipt = living.erase("user-u")
    subjects = [living.subject("user-u").hex(), living.subject("browser-of-u", "anonymous_id").hex()]
    assert all(name in _texts(living) for name in ("user-u", "browser-of-u", "d-u", *subjects))
    monkeypatch.setattr(erasing, "AHEAD_MS", timedelta(days=30).total_seconds() * 1000)
    assert erase_due(living.client, living.log, rejected, living.settings) == 1
    assert [name for name in ("user-u", "browser-of-u", "d-u", *subjects) if name in _texts(living)] == []
    assert [row["event_id"] for row in living.rows()] == ["3"]
    assert [row["decision"] for row in living.rows("decision")] == ["d-v"]
    assert {row["action"] for row in living.rows("identity")} == {"erase"}
    told = erasure.receipt(living.client, receipt.receipt)
    assert told is not None
    assert told.rewritten is not None
    assert told.rewritten <= told.rewritten_by
    assert erase_due(living.client, living.log, rejected, living.settings) == 0


def test_rows_of_others_lose_the_name(living: Living, rejected: Path) -> None:
    """Others' rows that name an erased browser, card or device stay without that name and the payload it was in."""
    living.did("1", "login", user_id="u", anonymous_id="b")
    living.did("2", "identify", user_id="u", properties={"device": "tablet", "loyalty_card": "card"})
    shared = {"identities": {"device": "tablet"}}
    told: list[dict[str, Any]] = [
        {"anonymous_id": "b", "raw": b'{"anonymousId": "b"}'},
        {"properties": shared | {"size": 44}, "raw": b'{"device": "tablet"}'},
        {"properties": {"size": 44}, "raw": b"{}"},
        {"properties": shared},
    ]
    for number, fields in enumerate(told, start=3):  # a browser's claims, which link nobody
        living.did(str(number), user_id="v", linking=False, **fields)
    _erase_all_of(living, rejected, "u", ("b", "anonymous_id"), ("tablet", "device"))
    rows = {row["event_id"]: row for row in living.rows() if row["user_id"] == "v"}
    assert {"3", "4", "5", "6"} == set(rows)
    assert (rows["3"]["anonymous_id"], rows["3"]["raw"]) == (None, None)
    assert (rows["4"]["properties"], rows["4"]["raw"]) == ('{"size":44}', None)
    assert (rows["5"]["properties"], rows["5"]["raw"]) == ('{"size":44}', "{}")
    assert rows["6"]["properties"] is None


def test_new_life_stays(living: Living, rejected: Path) -> None:
    """Who comes back after being erased keeps all of it when the log is rewritten: events, links, names, decisions."""
    living.did("1", "login", user_id="u", anonymous_id="b")
    living.erase("u")
    living.did("2", "login", user_id="u", anonymous_id="b")
    living.did("3", "identify", user_id="u", properties={"loyalty_card": "card"})
    _decide(living, "d", "u")
    living.erase("somebody else")
    erase_now(living.client, living.log, rejected, living.settings)
    rows = {row["event_id"]: row for row in living.rows()}
    assert {"2", "3"} == set(rows)
    assert rows["2"]["anonymous_id"] == "b"
    assert rows["3"]["properties"] == '{"identities":{"loyalty_card":"card"}}'
    assert [row["decision"] for row in living.rows("decision")] == ["d"]
    root, browser = living.subject("u"), living.subject("b", "anonymous_id")
    known = learning_rows.graph_of(living.log, living.pending()).roots()
    assert known == {root: root, browser: root, living.subject("card", "loyalty_card"): root}


def test_events_in_the_streams_go_too(living: Living, rejected: Path) -> None:
    """What was not archived yet when somebody was erased does not come into the log afterwards."""
    living.did("1", "login", user_id="u", anonymous_id="b", archived=False)
    living.did("2", user_id="v", archived=False)
    _decide(living, "d", "u")
    living.erase("u", archived=False)
    assert living.rows() == []
    erase_now(living.client, living.log, rejected, living.settings)
    assert [row["event_id"] for row in living.rows()] == ["2"]
    assert (living.rows("decision"), {row["action"] for row in living.rows("identity")}) == ([], {"erase"})
    assert [living.client.xlen(name) for name in (*keys.streams(), keys.IDENTITY_STREAM)] == [0] * 257


def test_rejected_rows_go_too(living: Living, rejected: Path) -> None:
    """Rejected rows go that name the erased where an id stands, or by what is unmistakably theirs; others stay."""
    told = {"email": "ada@example.com", "phone": "+1 202 555-0123", "loyalty_card": "ADA-2024-0815"}
    living.did("1", "identify", user_id="5", properties=told)
    entry = {"id": "1-1", "fields": {"e": "{"}, "base64": {"s": base64.b64encode(living.subject("5")).decode()}}
    mine: list[Any] = [
        {"line": 1, "row": {"user_id": "5"}},
        {"line": 2, "row": {"properties": '{"email": "x", "of": "ADA-2024-0815"}'}},
        {"line": 3, "row": {"email": " Ada@Example.com"}},
        {"line": 4, "row": {"contact": ["call 001 202 555 0123 at 9"]}},
        {"line": 5, "row": "broken line of ada@example.com, cut"},
        {"line": 6, "row": {"payload": '{"type": "track", "userId": 5}'}},
        {"line": 7, "row": {"event": "alias", "user_id": "6", "properties": '{"previous_id": "5"}'}},
        entry,
    ]
    others = [
        {"line": 8, "row": {"user_id": "6", "quantity": "5", "properties": '{"rating": "5", "loyalty_card": "5"}'}},
        {"line": 9, "row": {"user_id": "55", "note": "not ADA-2024-08151 nor xada@example.com"}},
        {"line": 10, "row": "broken,5"},
    ]
    file = rejected / "some.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (*mine, *others)) + '{"row": "ADA-2024-0815')
    receipt = _erase_all_of(living, rejected, "5")
    assert others == [json.loads(line) for line in file.read_text().splitlines()]
    assert [path.name for path in rejected.iterdir()] == ["some.jsonl"]
    assert receipt.redacted == Redacted(rejected=len(mine) + 1)


def test_entries_that_come_later_are_withheld(living: Living) -> None:
    """An entry nobody can read that comes behind an erasure and names the erased is told of, and not what it says."""
    living.did("1", "identify", user_id="user-of-ada", item_id=None, properties={"email": "ada@example.com"})
    subject = living.subject("user-of-ada")
    living.erase("user-of-ada")
    stream = keys.stream(partition_of(subject))
    named: list[Any] = [
        {"s": b"", "e": '{"event": "broken", "user_id": "user-of-ada"}'},
        {"s": b"", "e": "cut: for ada@example.com, ple"},
        {"s": subject, "e": "{"},
        {"x": b"\xffmail to ada@example.com"},
        {"n": "ada@example.com", "t": "1", "p": "[]"},
    ]
    others = [{"s": "", "e": '{"event": "broken", "user_id": "user-of-ben"}'}, {"e": "cut: for ben@example.com"}]
    for entry in (*named[:-1], *others):
        living.client.xadd(stream, entry)
    living.client.xadd(keys.IDENTITY_STREAM, named[-1])
    archive(living.client, living.log)
    text = (living.place.data / "rejected" / "stream.jsonl").read_text()
    told = [json.loads(line) for line in text.splitlines()]
    assert [one["fields"] for one in told if one["fields"] != WITHHELD] == others
    assert len(told) == len(named) + len(others)
    assert [name for name in ("ada", subject.hex(), base64.b64encode(subject).decode()) if name in text] == []


def test_marks_outlive_a_crash_behind_the_commit(
    living: Living, rejected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where rewriting breaks off behind the log's commit, those whose rows changed are rebuilt all the same, and counted."""
    living.did("1", "identify", user_id="u", properties={"email": "ada@example.com"})
    living.did("2", "set_traits", user_id="v", properties={"note": "ada@example.com"})
    number = living.erase("u").receipt

    def broken(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as during:
        during.setattr(erasing, "_scrub", broken)
        with pytest.raises(OSError, match="no space"):
            erase_now(living.client, living.log, rejected, living.settings)
    erase_now(living.client, living.log, rejected, living.settings)
    record = customers.read_resolved(living.client, living.subject("v"))
    state = fold_state(record.base, record.tail, living.settings.learning.half_life_days)
    assert state.traits() == {"note": "[erased]"}
    told = erasure.receipt(living.client, number)
    assert told is not None
    assert told.redacted == Redacted(texts=1)


def test_browsers_own_records_lose_it_too(living: Living, rejected: Path) -> None:
    """What another's browser has on record of its own is made anew without the erased, and keeps all else."""
    living.did("1", "identify", user_id="u", item_id=None, properties={"email": "ada@example.com"})
    living.sent({"event_id": "mine"}, _traits("note", "ada@example.com"), _traits("city", "Ulm"))
    living.did("2", "login", user_id="v", anonymous_id="b", item_id=None)
    living.sent({"event_id": "named", "user_id": "u", "item_id": "secret"}, {"event_id": "later"})
    own = browser_of(living.subject("b", "anonymous_id"))
    assert _own(living, own) == (5, {"note": "ada@example.com", "city": "Ulm"})
    living.erase("u")
    erase_now(living.client, living.log, rejected, living.settings)
    assert _own(living, own) == (4, {"note": "[erased]", "city": "Ulm"})
    assert _bytes_with(living, b"ada@example.com") == []


def test_browsers_own_records_outlive_a_crash(living: Living, rejected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rewriting breaks off behind the log's commit, a browser's own record is made anew by the next round."""
    living.did("1", "identify", user_id="u", item_id=None, properties={"email": "ada@example.com"})
    living.sent(_traits("note", "ada@example.com"))
    living.did("2", "login", user_id="v", anonymous_id="b", item_id=None)
    living.erase("u")

    def broken(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as during:
        during.setattr(erasing, "_scrub", broken)
        with pytest.raises(OSError, match="no space"):
            erase_now(living.client, living.log, rejected, living.settings)
    rebuild_dirty(living.client, living.log, living.settings)
    assert _own(living, browser_of(living.subject("b", "anonymous_id"))) == (1, {"note": "[erased]"})


def test_own_browsers_records_go_at_once(living: Living) -> None:
    """What the erased's own browsers had, and what they sent after they were linked, is in no key of Redis any more."""
    told = {f"hint-{place}": "ada@example.com" for place in ("before", "after")}
    living.sent(_traits("hint-before", told["hint-before"]))
    living.did("2", "login", user_id="u", anonymous_id="b", item_id=None)
    living.sent(_traits("hint-after", told["hint-after"]))
    living.did("3", "identify", user_id="u", item_id=None, properties={"email": "ada@example.com"})
    own = browser_of(living.subject("b", "anonymous_id"))
    assert _own(living, own) == (2, told)
    living.erase("u")
    assert _bytes_with(living, b"ada@example.com") == []
    gone = {subject.hex() for subject in (own, living.subject("b", "anonymous_id"), living.subject("u"))}
    assert [name for name in living.client.scan_iter("etappe:*") if name.decode().rpartition(":")[2] in gone] == []


def test_exports_of_others_stay(living: Living, rejected: Path) -> None:
    """Exports that were made and not taken stay unless they name the erased; those of the erased say that nothing is held."""
    living.did("1", "login", user_id="u", anonymous_id="browser-of-u")
    number = exports.ask(living.client, living.subject("u"), {living.subject("u"): Identity("user_id", "u")})
    made = {name: json.dumps({"identities": [{"kind": "user_id", "value": name}]}).encode() for name in ("u", "v", "w")}
    made["w"] = b'{"identities": [], "events": [{"user_id": "w", "anonymous_id": "browser-of-u", "price": 1}]}'
    for name, export in made.items():
        exports.put(living.client, name, export)
    living.erase("u")
    assert [exports.take(living.client, name) for name in (number, "u")] == [exports.NOTHING] * 2
    erase_now(living.client, living.log, rejected, living.settings)
    assert [exports.take(living.client, name) for name in ("v", "w")] == [made["v"], None]


@pytest.mark.parametrize("step", ["archive", "_scrub", "_compact_redis"])
def test_broken_off_it_can_be_done_again(
    living: Living, rejected: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever rewriting breaks off, the next round does it whole."""
    living.did("1", user_id="u")
    living.did("2", user_id="v")
    (rejected / "some.jsonl").write_text('{"user_id": "u"}\n')
    receipt = living.erase("u")

    def broken(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as during:
        during.setattr(erasing, step, broken)
        with pytest.raises(OSError, match="no space"):
            erase_now(living.client, living.log, rejected, living.settings)
    erase_now(living.client, living.log, rejected, living.settings)
    assert [row["event_id"] for row in living.rows()] == ["2"]
    assert (rejected / "some.jsonl").read_text() == ""
    told = erasure.receipt(living.client, receipt.receipt)
    assert told is not None
    assert told.rewritten is not None


def _traits(name: str, value: str) -> dict[str, Any]:
    return {"event_id": f"trait-{name}", "event": "set_traits", "item_id": None, "properties": {name: value}}


def _own(living: Living, own: Subject) -> tuple[int, dict[str, Any]]:
    """How many events a browser's own record has, and the traits."""
    [record] = customers.read_blocking(living.client, [own])
    state = fold_state(record.base, record.tail, living.settings.learning.half_life_days)
    return int(state.base.totals["events"][0]), state.traits()


def _bytes_with(living: Living, sought: bytes) -> list[bytes]:
    """The keys of Redis whose values hold a text."""
    return [name for name in living.client.scan_iter("etappe:*") if sought in _value(living, name)]


def _value(living: Living, name: bytes) -> bytes:
    kind = living.client.type(name)
    if kind == b"string":
        return bytes(living.client.get(name) or b"")  # type: ignore[arg-type]
    readers: Any = {
        b"hash": living.client.hgetall,
        b"set": living.client.smembers,
        b"zset": lambda key: living.client.zrange(key, 0, -1),
        b"stream": living.client.xrange,
    }
    return repr(readers[kind](name)).encode()


def _erase_all_of(living: Living, rejected: Path, user: str, *linked: tuple[str, str]) -> Receipt:
    """Erases a user with `linked` identities, and rewrites the log at once."""
    number = living.erase(user).receipt
    erased = {subject for one in living.pending() for subject in one.subjects}
    assert {living.subject(*identity) for identity in linked} <= erased
    erase_now(living.client, living.log, rejected, living.settings)
    told = erasure.receipt(living.client, number)
    assert told is not None
    return told
