"""Browsers' own records: what is kept beside an account's, folded, rebuilt and erased as any, and where it stays apart."""

import asyncio
import functools
from collections.abc import Callable

import pytest
from tests.conftest import NOW
from tests.integration.kept import put, seen
from tests.integration.living import Living
from tests.integration.sameness import same_rows

from etappe.customers.state import State, fold_state
from etappe.ids import Subject, browser_of, is_browser, partition_of
from etappe.settings import Settings, Store
from etappe.store import keys
from etappe.store.ingesting.ingest import Outcome
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord
from etappe.store.server import connection
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.backup.restoring import rebuild_all
from etappe.worker.folding import fold_long_tails

SHORT = Settings(store=Store(tail_limit=2))
Sent = Callable[..., list[Outcome]]


@pytest.fixture
def sent(living: Living) -> Sent:
    """Sends events with a publishable key and no proof, by default views by browser `b`."""
    living.settings = SHORT
    return functools.partial(living.sent, now=NOW)


def _read(living: Living, *, proven: bool) -> CustomerRecord:
    subject = living.subject("b", "anonymous_id")

    async def read() -> CustomerRecord:
        async with connection.connect_async(living.place) as client:
            return (await customers.read(RedisPy(client), [subject], own=[] if proven else [subject]))[0]

    return asyncio.run(read())


def _state(living: Living, *, proven: bool = False) -> State:
    record = _read(living, proven=proven)
    return fold_state(record.base, record.tail, SHORT.learning.half_life_days)


def _events(state: State) -> int:
    return int(state.base.totals["events"][0])


def _link(living: Living) -> None:
    living.did("account", user_id="u", item_id="secret")
    living.did("login", "login", user_id="u", anonymous_id="b", item_id=None)


def test_a_subject_of_its_own_beside_the_browsers() -> None:
    """It lies in the browser's partition, is told from all others, and is the same whenever it is asked for."""
    subject = Subject(bytes(range(7, 23)))
    own = browser_of(subject)
    assert (len(own), partition_of(own), is_browser(own)) == (16, partition_of(subject), True)
    assert not is_browser(subject)
    assert own == browser_of(subject) != browser_of(Subject(bytes(16)))


def test_own_record_goes_on_after_the_link(living: Living, sent: Sent) -> None:
    """What the browser had, in base and tail, and what it sends later is its own; the account has all of it, once."""
    for number in range(4):
        sent({"event_id": f"before-{number}"})
    fold_long_tails(living.client, SHORT)
    sent({"event_id": "waits"})
    _link(living)
    assert sent({"event_id": "after"}) == [Outcome.ACCEPTED]
    assert sent({"event_id": "after"}) == [Outcome.DUPLICATE]
    assert (_events(_state(living)), _events(_state(living, proven=True))) == (6, 8)
    assert _read(living, proven=False).account is not None


def test_own_record_is_folded_and_stays(living: Living, sent: Sent) -> None:
    """A long one is folded as any; late events do not have it rebuilt from a log that has nothing under its name."""
    _link(living)
    sent(*({"event_id": f"e{number}", "item_id": f"i{number}"} for number in range(90)))
    sent(*({"event_id": f"late{number}", "timestamp": "2026-01-01T00:00:00Z"} for number in range(3)))
    own = browser_of(living.subject("b", "anonymous_id"))
    assert living.client.sismember(keys.long_tails(partition_of(own)), own)
    fold_long_tails(living.client, SHORT)
    sent(*({"event_id": f"later{number}", "timestamp": "2026-01-01T00:00:00Z"} for number in range(3)))
    fold_long_tails(living.client, SHORT)
    assert seen(living.client, own).stored == b""
    assert not living.client.zscore(keys.dirty(partition_of(own)), own)
    assert _events(_state(living)) == 96


def test_own_record_is_rebuilt_from_the_log(living: Living, sent: Sent) -> None:
    """After Redis was lost a browser has what it sent, and its denial; nothing of the account is in it."""
    sent({"event_id": "before"}, {"event": "ignore", "event_id": "ignore", "item_id": "never"})
    _link(living)
    sent({"event_id": "named", "user_id": "u"}, {"event": "set_consent", "item_id": None,
          "event_id": "no", "properties": {"personalisation": False}})  # fmt: skip
    before = _state(living)
    archive(living.client, living.log)
    for name in living.client.scan_iter("etappe:*"):
        if b":c:" in name or b":members:" in name:
            living.client.delete(name)
    rebuild_all(living.client, living.log, living.place.data, living.secret, SHORT)
    after = _state(living)
    assert (_events(after), after.consent) == (_events(before), "denied") == (4, before.consent)
    same_rows(before.items, after.items, ("weight",), "the browser")
    assert _state(living, proven=True).consent == "unknown"


def test_a_denying_browser_sends_baskets(living: Living, sent: Sent) -> None:
    """Once it denies, also earlier in the same batch, what it sends is nobody's; its word is in the log, and its own."""
    _link(living)
    said = {"event": "set_consent", "item_id": None, "properties": {"personalisation": False}, "event_id": "no"}
    sent({"event_id": "first"}, said, {"event_id": "then", "user_id": "u"}, {"event_id": "last"})
    archive(living.client, living.log)
    found = {row["event_id"]: (row["subject"] is not None, row["anonymous_id"], row["flag"]) for row in living.rows()}
    assert [found[f"b:{name}"] for name in ("first", "no", "then", "last")] == [
        (True, "b", None), (True, "b", "unproven"), (False, None, None), (False, None, None),
    ]  # fmt: skip
    assert _events(_state(living)) == 2


def test_erasure_forgets_it(living: Living, sent: Sent) -> None:
    """An erased account's browser has no record beside it any more."""
    _link(living)
    sent({"event_id": "e"})
    living.erase("u")
    own = browser_of(living.subject("b", "anonymous_id"))
    assert not living.client.exists(keys.record(own))


def test_what_a_user_id_says_without_proof_is_in_the_log_alone(living: Living, sent: Sent) -> None:
    """Traits told in a user_id's name make no record of that user; the log says that nobody proved them."""
    sent({"event": "identify", "user_id": "u", "item_id": None, "properties": {"plan": "x"}})
    assert not customers.read_resolved(living.client, living.subject("u")).found
    archive(living.client, living.log)
    assert [row["flag"] for row in living.rows()] == ["unproven"]


def test_a_damaged_record_refuses_no_event(living: Living, sent: Sent) -> None:
    """Where a browser's own record cannot be read its events are taken all the same, and the record is left alone."""
    _link(living)
    own = browser_of(living.subject("b", "anonymous_id"))
    put(living.client, own, tail=b"torn")
    assert sent({"event_id": "e"}) == [Outcome.ACCEPTED]
    assert seen(living.client, own).stored == b"torn"
    assert _events(_state(living, proven=True)) == 3
