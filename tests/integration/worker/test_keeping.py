"""What stays of others' rows: all but what names the erased, and Redis says the same."""

import json
from typing import Any

from tests.integration.living import Living

from etappe.customers.state import fold_state
from etappe.store import keys
from etappe.store.identities import erasure, graph
from etappe.store.identities.erasure import Receipt, Redacted
from etappe.store.records import customers
from etappe.worker.erasing.rewriting import erase_now
from etappe.worker.rebuilding import rebuild


def _decide(living: Living, value: str, record: bytes) -> None:
    """A decision about a user."""
    seconds, micro = living.client.time()
    fields: Any = {"d": "d", "t": seconds * 1000 + micro // 1000, "s": living.subject(value), "r": record}
    living.client.xadd(keys.DECISION_STREAM, fields)


def _rewrite(living: Living) -> None:
    erase_now(living.client, living.log, living.place.data / "rejected", living.settings)


def _erase(living: Living, user: str) -> Receipt:
    """Erases a user and rewrites the log at once."""
    number = living.erase(user).receipt
    _rewrite(living)
    told = erasure.receipt(living.client, number)
    assert told is not None
    return told


def test_others_with_coincident_values_keep_them(living: Living) -> None:
    """Nothing of others goes that only equals an id: ratings, quantities, cards, items, sources, words of a payload."""
    living.did("1", "identify", user_id="5", properties={"loyalty_card": "true", "device": "web"})
    _decide(living, "6", b'{"request_id":"5","shown":{"p":[{"id":"5"}]}}')
    raw = b'{"type": "track", "userId": "6", "properties": {"rating": 5, "size": "5", "device": "web"}}'
    living.did("2", "rate", user_id="6", properties={"rating": 5}, raw=raw)
    living.did("3", "set_traits", user_id="6", properties={"size": "5", "vip": True, "items": ["5", 5], "a": {"5": 5}})
    living.did("4", "set_consent", user_id="6", properties={"email": True, "source": "5"})
    living.did("5", "identify", user_id="6", properties={"loyalty_card": "5"})
    living.did("6", user_id="6", item_id="5", quantity=5, properties={"device": "web", "previous_id": "5"})
    tables = ("event", "decision")
    before = [[row for row in living.rows(table) if row["subject"] != living.subject("5")] for table in tables]
    receipt = _erase(living, "5")
    assert before == [living.rows(table) for table in tables]
    assert receipt.redacted == Redacted()


def test_texts_of_others_lose_only_the_address(living: Living) -> None:
    """In others' traits, properties, payloads and decisions an address or a unique id gives way to a mark, and only it."""
    living.did("1", "identify", user_id="customer-000817", properties={"email": "ada@example.com"})
    note = {"note": "for Ada@Example.com, not for xada@example.com", "by": "customer-000817", "n": 1, "of": {"a": "b"}}
    living.did("2", "set_traits", user_id="v", properties=note, raw=b'{"p": 1.10, "url": "/?to=ada%40example.com&x=1"}')
    living.did("3", "share", user_id="v", properties={"email": "ADA@example.com", "size": 44})
    _decide(living, "v", b'{"context":{"page":"of/customer-000817/x"},"shown":{}}')
    rebuild(living.client, living.log, [living.subject("v")], living.settings)
    receipt = _erase(living, "customer-000817")
    rows = {row["event_id"]: row for row in living.rows()}
    left = note | {"note": "for [erased], not for xada@example.com", "by": "[erased]"}
    assert json.loads(rows["2"]["properties"]) == left
    assert rows["2"]["raw"] == '{"p": 1.10, "url": "/?to=[erased]&x=1"}'
    assert rows["3"]["properties"] == '{"size":44}'
    assert [row["record"] for row in living.rows("decision")] == ['{"context":{"page":"of/[erased]/x"},"shown":{}}']
    assert receipt.redacted == Redacted(texts=4, identities=1)
    record = customers.read_resolved(living.client, living.subject("v"))
    assert fold_state(record.base, record.tail, living.settings.learning.half_life_days).traits() == left
    assert graph.dirty(living.client) == {}


def test_lapsed_records_stay_away(living: Living) -> None:
    """Whose record has left Redis gets none because the log was rewritten."""
    living.did("1", "identify", user_id="u", properties={"email": "ada@example.com"})
    living.did("2", "set_traits", user_id="v", properties={"note": "ada@example.com"})
    living.client.delete(keys.record(living.subject("v")))
    assert _erase(living, "u").redacted == Redacted(texts=1)
    assert not customers.read_resolved(living.client, living.subject("v")).found


def test_each_receipt_counts_its_own(living: Living) -> None:
    """Of several who are erased at once each receipt tells what was redacted for that one."""
    for name in ("ada", "bob"):
        living.did(name, "identify", user_id=name, properties={"email": f"{name}@example.com"})
    living.did("3", user_id="v", properties={"note": "ada@example.com and bob@example.com and ada@example.com"})
    numbers = [living.erase(name).receipt for name in ("ada", "bob")]
    _rewrite(living)
    told = [erasure.receipt(living.client, number) for number in numbers]
    assert [receipt and receipt.redacted.texts for receipt in told] == [2, 1]


def test_new_life_of_an_id_keeps_it_in_others_rows(living: Living) -> None:
    """Others' rows that came in after the erasure speak of who came back, and stay whole."""
    living.did("1", "login", user_id="u", anonymous_id="b")
    living.erase("u")
    living.did("2", user_id="v", anonymous_id="b", linking=False)
    _rewrite(living)
    assert [row["anonymous_id"] for row in living.rows()] == ["b"]
