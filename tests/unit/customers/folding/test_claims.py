"""Claims: what a browser says was bought holds an item back, and counts for nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.customers.folding.claims import CLAIMS, RECENT
from etappe.customers.packed.base import joined, pack, unpack
from etappe.customers.records import encode
from etappe.customers.state import Whole, fold_state
from etappe.events.intake import read_event
from etappe.ids import item_hash
from etappe.log import as_rows
from etappe.store.logged import history

START = datetime(2026, 3, 1, tzinfo=UTC)
HALF_LIFE = 60.0
CLAIM = {"event": "purchase", "item_id": "a", "order_id": "o-1", "price": 9.0, "claim": True}
SALE = {"event": "purchase", "item_id": "b", "order_id": "o-1", "price": 5.0}


def _record(number: int, **fields: Any) -> bytes:
    time = START + timedelta(minutes=number)
    given = {"event_id": f"e{number}", "user_id": "u", "timestamp": time.isoformat()} | fields
    one = read_event(json.dumps(given).encode(), START + timedelta(days=1))
    return encode(one.event, one.event_id, one.time)


def _state(*tails: bytes) -> Whole:
    """The state after these runs, each folded before the next comes."""
    packed = b""
    for tail in tails:
        packed = pack(fold_state(packed, tail, HALF_LIFE).base)
    return fold_state(packed, b"", HALF_LIFE)


def _claimed(state: Whole) -> list[int]:
    return [int(item) for item in state.claims["item"]]


def test_a_claim_counts_for_nothing() -> None:
    """It is an event, but neither an order nor a purchase nor money nor taste; the item counts as not bought."""
    state = _state(_record(0, **CLAIM), _record(1, **CLAIM | {"event": "refund"}))
    totals = state.base.totals[0]
    assert [totals[name] for name in ("orders", "purchases", "revenue", "refunded")] == [0, 0, 0.0, 0.0]
    for name in ("purchases", "bought", "weight"):
        assert not state.items[name].any()
    assert [item_hash("a")] == _claimed(state)
    assert not len(state.recent)


def test_a_claim_empties_the_cart() -> None:
    """What was claimed to be bought is in the cart no more."""
    state = _state(_record(0, event="add_to_cart", item_id="a") + _record(1, **CLAIM))
    assert not state.items["flags"].any()


@pytest.mark.parametrize("folded", [True, False])
@given(st.permutations([CLAIM, SALE, CLAIM | {"order_id": "o-2", "item_id": "c"}]))
def test_a_servers_order_takes_the_place_of_its_claims(folded: bool, told: list[dict[str, Any]]) -> None:
    """Whichever comes first: where a server tells of an order, its claims are gone; others stay, nothing counts twice."""
    records = [_record(number, **fields) for number, fields in enumerate(told)]
    state = _state(*records) if folded else fold_state(b"", b"".join(records), HALF_LIFE)
    assert [item_hash("c")] == _claimed(state)
    assert tuple(state.base.totals[0][["orders", "purchases", "revenue"]].item()) == (1, 1, 5.0)


def test_bases_folded_apart_agree_on_claims() -> None:
    """A claim in one base is gone where the other has its order."""
    bases = [unpack(pack(_state(_record(number, **said)).base)) for number, said in enumerate((CLAIM, SALE))]
    assert not len(Whole.of(joined(bases), HALF_LIFE).claims)


def test_claims_are_bounded_and_crowd_out_no_session() -> None:
    """Of many claims the latest are kept, beside as many events of the session as ever."""
    claims = [_record(number, **CLAIM | {"order_id": f"o{number}", "item_id": f"c{number}"}) for number in range(99)]
    views = [_record(100 + number, event="view_item", item_id=f"v{number}") for number in range(99)]
    state = _state(b"".join(views), b"".join(claims))
    assert (len(state.claims), len(state.recent)) == (CLAIMS, RECENT)
    assert item_hash("c98") == _claimed(state)[-1]


def test_the_log_gives_the_same_claims() -> None:
    """A base out of the log has the claims that the tail has; an older log, without that column's values, has none."""
    columns = {
        "event_id": ["e0", "e1"], "event": ["purchase", "refund"], "time": [START, START], "subject": [b"s", b"s"],
        "item_id": ["a", "a"], "order_id": ["o-1", "o-1"], "price": [9.0, 9.0],
    }  # fmt: skip
    for claim, expected in ((True, [250, 251]), (None, [11, 12])):
        records = history.to_records(history.ordered(as_rows("event", columns | {"claim": [claim, claim]}).lazy()))
        assert expected == records["code"].tolist()
    tail = np.frombuffer(_record(0, **CLAIM), records.dtype)
    assert tail["code"].tolist() == [250]
