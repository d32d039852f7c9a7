"""Erasure in the store: tombstones, receipts, and what of the log is still to be seen."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import redis
from tests.integration.full import full
from tests.integration.living import Living

from etappe.ids import partition_of, tombstone_of
from etappe.settings import Settings
from etappe.store import keys
from etappe.store.decided import answers
from etappe.store.identities import erased_rows, erasure, graph
from etappe.store.ingesting.ingest import Outcome
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.wire import RedisPy


def _visible(living: Living) -> list[str]:
    return erased_rows.visible(living.log.events(), living.pending()).collect()["event_id"].to_list()


def test_all_identities_are_erased(living: Living) -> None:
    """The whole customer goes, whichever identity is named, and nothing of them is left but tombstones."""
    living.did("1", anonymous_id="b")
    living.did("2", "login", user_id="u", anonymous_id="b")
    living.did("3", "identify", user_id="u", properties={"loyalty_card": "7"})
    receipt = living.erase("b", "anonymous_id")
    assert receipt.identities == 3
    for kind, value in (("user_id", "u"), ("anonymous_id", "b"), ("loyalty_card", "7")):
        subject = living.subject(value, kind)
        mine = [keys.record(subject), keys.members(subject), keys.gone(subject, tombstone_of(living.secret, subject))]
        assert mine[2:] == [name for name in mine if living.client.exists(name)]
        assert not customers.read_resolved(living.client, subject).found
        assert graph.groups(living.client, [subject])[subject] == {}


def test_others_stay(living: Living) -> None:
    """Erasing one customer changes nothing of another."""
    living.did("1", user_id="u")
    living.did("2", user_id="v")
    before = customers.read_resolved(living.client, living.subject("v"))
    living.erase("u")
    assert before == customers.read_resolved(living.client, living.subject("v"))
    assert _visible(living) == ["2"]


def test_rows_are_hidden_before_the_log_is_rewritten(living: Living) -> None:
    """The log as it is read has nothing of the erased from before, whatever time the events named, and all from after."""
    living.did("old", user_id="u", timestamp="2026-01-01T00:00:00Z")
    living.did("ahead", user_id="u", timestamp=(datetime.now(UTC) + timedelta(hours=5)).isoformat())
    living.erase("u")
    living.did("new", user_id="u")
    assert {row["event_id"] for row in living.rows()} == {"old", "ahead", "new"}
    assert _visible(living) == ["new"]


def test_what_happened_before_is_refused(living: Living) -> None:
    """An event from before the erasure is refused, sent again or for the first time; a later one is a new customer's."""
    living.did("1", user_id="u")
    living.erase("u")
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert living.did("1", user_id="u", timestamp=before) is Outcome.ERASED
    assert living.did("2", user_id="u", timestamp=before) is Outcome.ERASED
    assert living.did("3", user_id="u") is Outcome.ACCEPTED
    assert _visible(living) == ["3"]


def test_old_events_of_an_erased_browser_are_refused_whoever_uses_it_now(living: Living) -> None:
    """A browser that was erased and belongs to somebody else since brings nothing of its former life to them."""
    living.did("1", anonymous_id="b")
    living.did("2", "login", user_id="u", anonymous_id="b")
    living.erase("u")
    living.did("3", "login", user_id="v", anonymous_id="b")
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert living.did("4", anonymous_id="b", timestamp=before) is Outcome.ERASED
    assert living.did("5", anonymous_id="b") is Outcome.ACCEPTED
    assert _visible(living) == ["3", "5"]


def test_claims_from_before_an_erasure_link_nobody(living: Living) -> None:
    """An old event of somebody else that names an erased browser does not make it theirs."""
    living.did("1", "login", user_id="u", anonymous_id="b")
    living.erase("u")
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    living.did("2", "login", user_id="v", anonymous_id="b", timestamp=before)
    browser = living.subject("b", "anonymous_id")
    assert graph.roots(living.client, [browser])[browser] == browser


def test_erased_by_the_clock_of_redis(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose clock is slow hides all that came in before, since Redis says when anything came in."""
    living.did("1", user_id="u")
    real = datetime.now(UTC).timestamp()
    monkeypatch.setattr("time.time_ns", lambda: int((real - 3600) * 1e9))
    living.erase("u")
    assert _visible(living) == []
    assert living.did("2", user_id="u") is Outcome.ACCEPTED
    assert _visible(living) == ["2"]


def test_erased_twice(living: Living) -> None:
    """Whoever came back can be erased again: then that life is gone too, and each erasure has a receipt of its own."""
    living.did("1", user_id="u")
    first = living.erase("u")
    living.did("2", user_id="u")
    second = living.erase("u")
    assert first.receipt != second.receipt
    assert _visible(living) == []
    assert [first.receipt, second.receipt] == [one.receipt for one in living.pending()]


def test_somebody_nobody_knows(living: Living) -> None:
    """Somebody of whom nothing is known can be erased: what may still come in from before is refused."""
    assert living.erase("nobody").identities == 1
    assert living.did("1", user_id="nobody", timestamp="2026-01-01T00:00:00Z") is Outcome.ERASED


def test_receipt_tells_the_course(living: Living) -> None:
    """The receipt says by when, then when; there is none under another number."""
    receipt = living.erase("u")
    assert receipt == erasure.receipt(living.client, receipt.receipt)
    assert timedelta(days=Settings().erasure.days) == receipt.rewritten_by - receipt.erased
    done = erasure.finished(living.client, living.pending()[0], living.settings)
    assert done == erasure.receipt(living.client, receipt.receipt)
    assert (done.rewritten is None, living.pending()) == (False, [])
    assert erasure.receipt(living.client, "0") is None


def test_answers_are_forgotten(living: Living) -> None:
    """Answers kept for repeated requests go, those of others stay."""
    asked = [living.subject(user) for user in ("u", "v")]

    async def keep() -> None:
        async with connection.connect_async(living.place) as client:
            for subject in asked:
                await answers.keep(RedisPy(client), subject, "request", b"answer", living.settings)

    asyncio.run(keep())
    living.erase("u")
    assert [living.client.exists(keys.answer(subject, "request")) for subject in asked] == [0, 1]
    rings = b"".join(b"".join(living.client.hvals(keys.answers(partition_of(subject)))) for subject in asked)
    assert [subject.hex().encode() in rings for subject in asked] == [False, True]


def test_a_receipt_is_written_before_its_erasure_is_done_with(living: Living) -> None:
    """Where Redis takes no write the erasure still waits, so that the receipt says so later."""
    receipt = living.erase("u")
    [waiting] = living.pending()
    with full(living.client), pytest.raises(redis.ResponseError, match="maxmemory"):
        erasure.finished(living.client, waiting, living.settings)
    assert living.pending() == [waiting]
    assert erasure.finished(living.client, waiting, living.settings).rewritten is not None
    assert (erasure.receipt(living.client, receipt.receipt) == receipt, living.pending()) == (False, [])
