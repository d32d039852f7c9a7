"""Touches: how visits came about, the first few and the last few."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.packed.base import EMPTY, joined, pack, unpack
from etappe.customers.records import WIDTH, blocks_of, decode_tail, encode
from etappe.customers.state import fold_state
from etappe.customers.stated import touches
from etappe.customers.stated.touches import FIRST, LAST, TEXT, Touch
from etappe.events.vocabulary import CHANNELS, CODES, TYPES

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MICROS = int(BEGIN.timestamp()) * 1_000_000


def _click(number: int, **fields: Any) -> bytes:
    event = TYPES["ad_click"](channel="ad", properties={"campaign": f"c{number}"} | fields)
    return encode(event, f"e{number}", BEGIN + timedelta(seconds=number))


def test_a_touch_is_kept_whole() -> None:
    """Channel, time and what is said of source, medium, campaign and click come back; a trait comes of none of it."""
    said = {"source": "google", "medium": "cpc", "click_id": "Cj0K", "colour": "red", "term": 5, "content": ""}
    state = fold_state(b"", _click(1, **said), 60.0)
    touch = Touch(MICROS + 1_000_000, CHANNELS.index("ad") + 1, "google", "cpc", "c1", click_id="Cj0K")
    assert unpack(pack(state.base)).touches == (touch,)
    assert (state.traits(), state.base.totals["events"][0]) == ({}, 1)


def test_texts_are_cut() -> None:
    """A text longer than a touch keeps is cut."""
    assert blocks_of(decode_tail(_click(1, campaign="x" * 99)), 0) == {"campaign": "x" * TEXT}


def test_an_event_without_a_touch_is_one_record() -> None:
    """What says nothing of how the visit came about or only from which page, carries no blocks, nor does one that begins no visit."""
    plain = encode(TYPES["ad_click"](properties={"colour": "red"}), "e", BEGIN)
    view = encode(TYPES["view_item"](item_id="i", properties={"source": "google"}), "e", BEGIN)
    page = encode(TYPES["page_view"](properties={"referrer": "https://shop.example/"}), "e", BEGIN)
    assert (len(plain), decode_tail(plain)["code"][0]) == (WIDTH, CODES["ad_click"])
    assert (len(page), decode_tail(page)["code"][0]) == (WIDTH, CODES["page_view"])
    assert (len(view), decode_tail(view)["code"][0]) == (WIDTH, CODES["view_item"])


@given(st.integers(0, 20), st.integers(0, 20), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_first_and_the_last_stay(total: int, cut: int, rng: Any) -> None:
    """In any order, folded on or apart: of many touches the first and the last by time are kept, of few all."""
    arrived = rng.sample(range(total), total)
    parts = [b"".join(_click(number) for number in part) for part in (arrived[:cut], arrived[cut:])]
    on = fold_state(pack(fold_state(b"", parts[0], 60.0).base), parts[1], 60.0).base
    apart = joined([fold_state(b"", part, 60.0).base for part in parts])
    expected = [f"c{number}" for number in range(total) if number < FIRST or number >= total - LAST]
    assert [touch.campaign for touch in on.touches] == expected
    assert [touch.campaign for touch in apart.touches] == expected


def test_the_same_touch_twice_is_one() -> None:
    """A touch told by two events of one moment is one touch."""
    assert touches.joined([(Touch(5, source="a"),), (Touch(5, source="a"), Touch(5, source="b"))]) == (
        Touch(5, source="a"),
        Touch(5, source="b"),
    )


def test_damaged_touches_are_refused() -> None:
    """What is no list of touches is a damaged base."""
    with pytest.raises(msgspec.MsgspecError):
        touches.unpack(b"\xff")
    assert touches.pack(EMPTY.touches) == b""
