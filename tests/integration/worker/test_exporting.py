"""Everything that is held of one customer, made by the worker."""

from typing import Any

import msgspec
from tests.integration.living import Living

from etappe.events.identities import Identity
from etappe.store import keys
from etappe.store.identities import exports
from etappe.worker.exporting import export_wanted
from etappe.worker.rebuilding import rebuild, rebuild_dirty


def _export(living: Living, *identities: tuple[str, str]) -> Any:
    """The export of the customer with these identities (kind, value), the first of which is the surest."""
    known = {living.subject(value, kind): Identity(kind, value) for kind, value in identities}
    number = exports.ask(living.client, next(iter(known)), known)
    assert export_wanted(living.client, living.log, living.settings) == 1
    found = exports.take(living.client, number)
    assert found is not None
    return msgspec.json.decode(found)


def test_all_that_is_asked_for_is_made(living: Living) -> None:
    """A round makes each export that is asked for, once."""
    living.did("1", user_id="u")
    for _ in range(2):
        exports.ask(living.client, living.subject("u"), {living.subject("u"): Identity("user_id", "u")})
    assert [export_wanted(living.client, living.log, living.settings) for _ in range(2)] == [2, 0]


def test_everything_of_all_identities(living: Living) -> None:
    """Events of every identity, also what was flagged, with payload and properties as objects; traits, consents."""
    living.did("1", anonymous_id="b", raw=b'{"page": "x"}')
    rebuild(living.client, living.log, [living.subject("b", "anonymous_id")], living.settings)
    living.did("2", "login", user_id="u", anonymous_id="b")
    living.did("3", user_id="u", properties={"staff": True})
    living.did("4", "set_traits", user_id="u", properties={"size": 44})
    living.did("5", "set_consent", anonymous_id="b", properties={"email": False, "source": "form"})
    living.did("6", user_id="v", anonymous_id="other")
    for merged in (False, True):  # the records of browser and user are joined when read, and by the worker
        found = _export(living, ("user_id", "u"), ("anonymous_id", "b"))
        events = {event["event_id"]: event for event in found["events"]}
        assert {"1", "2", "3", "4", "5"} == set(events)
        assert (events["1"]["raw"], events["3"]["flag"]) == ({"page": "x"}, "staff")
        assert events["3"]["properties"] == {"staff": True}
        assert found["traits"] == {"size": 44}
        assert (found["consents"]["email"]["granted"], found["consents"]["email"]["source"]) == (False, "form")
        assert rebuild_dirty(living.client, living.log, living.settings) == (0 if merged else 1)


def test_what_waits_in_the_streams_is_in_it(living: Living) -> None:
    """What no round has archived yet is exported, too."""
    living.did("1", user_id="u")
    fields: Any = {"d": "d-1", "t": 1_800_000_000_000, "s": living.subject("u"), "r": b'{"shown": {}}'}
    living.client.xadd(keys.DECISION_STREAM, fields)
    decision = {"decision": "d-1", "time": "2027-01-15T08:00:00Z", "record": {"shown": {}}}
    assert [decision] == _export(living, ("user_id", "u"))["decisions"]


def test_nothing_held(living: Living) -> None:
    """Of somebody unknown, and of somebody erased, there is nothing."""
    assert _export(living, ("user_id", "nobody")) is None
    living.did("1", user_id="u")
    living.erase("u")
    assert _export(living, ("user_id", "u")) is None


def test_earlier_life_is_not_in_it(living: Living) -> None:
    """Who came back after being erased has an export of the new life alone, though the log still has the old one."""
    living.did("1", user_id="u")
    seconds, micro = living.client.time()
    fields: Any = {"d": "d", "t": seconds * 1000 + micro // 1000, "s": living.subject("u"), "r": b"{}"}
    living.client.xadd(keys.DECISION_STREAM, fields)
    living.erase("u")
    living.did("2", user_id="u")
    found = _export(living, ("user_id", "u"))
    assert [event["event_id"] for event in found["events"]] == ["2"]
    assert found["decisions"] == []


def test_held_without_record(living: Living) -> None:
    """A customer whose record has left Redis is still in the log, and so in the export."""
    living.did("1", user_id="u")
    living.client.flushall()
    assert [event["event_id"] for event in _export(living, ("user_id", "u"))["events"]] == ["1"]
