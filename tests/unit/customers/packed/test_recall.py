"""What a decision recalls in one pass is what the whole fold has: the compiled way against the Python way."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.customers.histories import BEGIN, HALF_LIFE, MOMENTS, happened, many, tail_of

from etappe.customers import state as module
from etappe.customers.folding.fold import MAX_ACTED, MAX_SEEN
from etappe.customers.packed.base import EMPTY, HEADER, pack
from etappe.customers.records import EVENT, WIDTH, encode
from etappe.customers.state import State, fold_state, recalled
from etappe.errors import DataError
from etappe.events.vocabulary import TYPES

_ITEMS = [f"i{number}" for number in range(90)]
_TOUCH = {"source": "news", "campaign": "c" * 50}
_PIECE = {"decision": "d", "placement": "p", "piece": "an-article"}
_TOLD: dict[str, dict[str, Any]] = {
    "view_item": {},
    "add_to_cart": {},
    "remove_from_cart": {},
    "add_to_wishlist": {},
    "purchase": {"price": 2.5, "order_id": "o1"},
    "refund": {"price": 2.5, "order_id": "o1"},
    "ignore": {},
    "gift": {},
    "rate": {"properties": {"rating": 4}},
    "page_view": {"properties": _TOUCH},
    "ad_click": {"properties": _TOUCH},
    "impression": {"properties": _PIECE},
    "set_traits": {"properties": {"country": "DE", "note": "n" * 90}},
    "set_consent": {"properties": {"personalisation": True}},
    "search": {},
}
_ABOUT_NOTHING = {"page_view", "set_traits", "set_consent", "search", "impression"}


def _record(number: int, name: str, item: str, at: int, order: str | None, claim: bool) -> bytes:
    fields = dict(_TOLD[name])
    if name not in _ABOUT_NOTHING:
        fields["item_id"] = item
    if name in ("purchase", "refund"):
        fields |= {"order_id": order, "claim": claim}
    return encode(TYPES[name](**fields), f"e{number}", BEGIN + timedelta(microseconds=at))


_RECORDS = st.lists(
    st.builds(
        _record,
        st.integers(0, 2**40),
        st.sampled_from(sorted(_TOLD)),
        st.sampled_from(_ITEMS),
        MOMENTS,
        st.sampled_from([None, "o1", "o2"]),
        st.booleans(),
    ),
    max_size=60,
)


def _seen(state: State) -> tuple[Any, ...]:
    arrays = (state.items, state.recent, state.claims)
    assert all(part.flags.writeable for part in arrays)
    return (*(part.tobytes() for part in arrays), state.known, state.half_life_days, state.digest)


def _without_the_whole_fold(packed: bytes, tail: bytes) -> State:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "fold_state", lambda *_: pytest.fail("the whole fold was asked"))
        return recalled(packed, tail, HALF_LIFE)


def _packed(*tails: bytes) -> bytes:
    packed = b""
    for tail in tails:
        packed = pack(fold_state(packed, tail, HALF_LIFE).base)
    return packed


@given(st.lists(_RECORDS, max_size=3), _RECORDS)
@settings(max_examples=300, deadline=None)
def test_recalled_is_what_was_folded(folded: Sequence[list[bytes]], waiting: list[bytes]) -> None:
    """Items, session, claims and all else are those of the fold, bit by bit, whatever was folded and what waits."""
    packed, tail = _packed(*(b"".join(one) for one in folded)), b"".join(waiting)
    assert _seen(fold_state(packed, tail, HALF_LIFE)) == _seen(_without_the_whole_fold(packed, tail))


@pytest.mark.parametrize("waiting", [0, 1, MAX_SEEN, 3 * MAX_SEEN])
def test_the_weightiest_stay(waiting: int) -> None:
    """Of what was merely seen as many stay as in a base, those that weigh most; what was acted on crowds out none."""
    bought = tail_of(many("purchase", 40, start=500))
    packed = _packed(tail_of(many("view_item", MAX_SEEN, apart=86_400)) + bought)
    tail = tail_of([happened("view_item", f"i{number % 97}", -number % 7 * 86_400) for number in range(waiting)])
    state = _without_the_whole_fold(packed, tail)
    assert len(state.items) == MAX_SEEN + 40
    assert _seen(fold_state(packed, tail, HALF_LIFE)) == _seen(state)


def test_of_equal_weights_the_smaller_hashes_stay() -> None:
    """Items seen at one moment weigh the same; which of them stay is told by their hashes, as in the fold."""
    tail = b"".join(happened("view_item", f"i{number}", 5).record() for number in range(MAX_SEEN + 9))
    assert _seen(fold_state(b"", tail, HALF_LIFE)) == _seen(_without_the_whole_fold(b"", tail))


def test_claims_stand_apart() -> None:
    """Of a session with claims between its events each kind is bounded for itself, and told orders take theirs away."""
    claims = [_record(number, "purchase", f"i{number}", number, f"o{number}", claim=True) for number in range(40)]
    views = [happened("view_item", f"i{number}", 0).record() for number in range(40)]
    sold = _record(99, "purchase", "i3", 50, "o39", claim=False)
    tail = b"".join([part for pair in zip(claims, views, strict=True) for part in pair]) + sold
    state = _without_the_whole_fold(b"", tail)
    assert (len(state.claims), len(state.recent)) == (32, 32)
    assert _seen(fold_state(b"", tail, HALF_LIFE)) == _seen(state)
    assert _seen(fold_state(_packed(tail), b"", HALF_LIFE)) == _seen(_without_the_whole_fold(_packed(tail), b""))


def test_more_acted_on_than_a_base_keeps() -> None:
    """The whole fold is asked which of them stay."""
    packed = _packed(tail_of(many("purchase", MAX_ACTED)))
    tail = tail_of(many("purchase", 5, start=MAX_ACTED))
    state = recalled(packed, tail, HALF_LIFE)
    assert len(state.items) == MAX_ACTED
    assert _seen(fold_state(packed, tail, HALF_LIFE)) == _seen(state)


def test_nobody() -> None:
    """Without any bytes there is nothing, and an empty base says nothing either."""
    for packed in (b"", pack(EMPTY)):
        assert _seen(fold_state(packed, b"", HALF_LIFE)) == _seen(_without_the_whole_fold(packed, b""))
    assert (recalled(b"", b"", HALF_LIFE).known, recalled(b"", b"", HALF_LIFE).digest) == (False, "")


_WHOLE = _packed(tail_of([*many("view_item", 5), *many("purchase", 3)]))
_TAIL = _record(1, "set_traits", "", 5, None, claim=False) + happened("view_item", "a", 1).record()


@pytest.mark.parametrize("length", range(1, len(_WHOLE)))
def test_a_base_that_was_cut_off_is_refused(length: int) -> None:
    """Wherever it was cut."""
    with pytest.raises(DataError):
        recalled(_WHOLE[:length], b"", HALF_LIFE)


@pytest.mark.parametrize("length", [1, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH])
def test_a_tail_that_was_cut_off_is_refused(length: int) -> None:
    """Within a record, and between one and its blocks."""
    with pytest.raises(DataError):
        recalled(_WHOLE, _TAIL[:length], HALF_LIFE)


@pytest.mark.parametrize("version", [0, 2, 4])
def test_other_versions_are_refused(version: int) -> None:
    """With the line that names the remedy, of bases and of tails."""
    with pytest.raises(DataError, match="etappe rebuild"):
        recalled(bytes([version]) + _WHOLE[1:], b"", HALF_LIFE)
    with pytest.raises(DataError, match="etappe rebuild"):
        recalled(b"", _TAIL[: WIDTH - 1] + bytes([version << 4]) + _TAIL[WIDTH:], HALF_LIFE)


def _timed(tail: bytes) -> bytes:
    """The records of a tail at a time that intake lets in: of others no weight is a number."""
    records = np.frombuffer(tail, EVENT).copy()
    records["time"] = 1_700_000_000_000_000 + records["time"] % 1_000_000_000_000
    return records.tobytes()


@given(st.binary(max_size=300), st.integers(0, 2**24 - 1), st.binary(max_size=4).map(lambda one: _timed(one * WIDTH)))
@settings(max_examples=300, deadline=None)
def test_damage_is_never_read_beyond_its_end(damage: bytes, length: int, tail: bytes) -> None:
    """Whatever the bytes are, they are refused or read as the whole fold reads them."""
    header = HEADER.pack(3, 0, 0, damage[0] % 20 if damage else 0, 1, len(damage) % 9, len(damage) % 7, length % 400, 0)
    for packed in (header + damage, damage):
        try:
            expected = _seen(fold_state(packed, tail, HALF_LIFE))
        except DataError:
            with pytest.raises(DataError):
                recalled(packed, tail, HALF_LIFE)
        else:
            assert expected == _seen(recalled(packed, tail, HALF_LIFE))


def test_what_a_decision_does_not_ask_is_not_decoded() -> None:
    """Traits that are no JSON are found where they are asked for, not by a decision."""
    base = msgspec.structs.replace(fold_state(b"", _TAIL, HALF_LIFE).base, traits={})
    damaged = bytearray(pack(msgspec.structs.replace(base, unknown=((1, b"{no json"),))))
    with pytest.raises(DataError):
        fold_state(bytes(damaged), b"", HALF_LIFE)
    assert len(recalled(bytes(damaged), b"", HALF_LIFE).items) == 1
