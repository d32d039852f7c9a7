"""Pieces of content: what of them is remembered, in whatever order it is told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.customers.folding import pieces
from etappe.customers.folding.pieces import DAYS, MAX_PIECES
from etappe.customers.packed.base import DIRTY, EMPTY, TRIMMED, Base, joined, pack, unpack
from etappe.customers.records import ABOUT_PIECE, decode_tail, encode
from etappe.customers.state import fold_state
from etappe.events.vocabulary import CODES, TYPES
from etappe.ids import item_hash, piece_hash

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
FIRST: Final = int(BEGIN.timestamp())
DAY: Final = 86_400


class Met(msgspec.Struct, frozen=True):
    """An event about a piece; `at` in seconds since BEGIN."""

    number: int
    name: str
    piece: str
    at: int

    def record(self) -> bytes:
        """The event as a tail has it."""
        properties = {"piece": self.piece, "placement": "home.hero", "position": 1, "decision": "01J"}
        event = TYPES[self.name](properties=properties)
        return encode(event, f"{self.number}", BEGIN + timedelta(seconds=self.at))


def _folded(base: Base, history: Sequence[Met]) -> Base:
    return unpack(pack(fold_state(pack(base), b"".join(one.record() for one in history), 60.0).base))


def _naive(history: Sequence[Met]) -> dict[int, dict[str, Any]]:
    """What is known of each piece, by the words of the rules."""
    known = {}
    for piece in {one.piece for one in history}:
        times = {
            name: sorted(FIRST + one.at for one in history if (one.piece, one.name) == (piece, name))
            for name in ("impression", "click", "dismiss")
        }
        newest = max(times["impression"], default=0) // DAY
        known[piece_hash(piece)] = {
            "exposed": max(times["impression"], default=0),
            "clicked": max(times["click"], default=0),
            "dismissed": max(times["dismiss"], default=0),
            "exposures": len(times["impression"]),
            "clicks": len(times["click"]),
            "day": newest,
            "daily": [sum(time // DAY == newest - back for time in times["impression"]) for back in range(DAYS)],
        }
    return known


def _shown(base: Base) -> dict[int, dict[str, Any]]:
    names = [name for name in pieces.PIECE.names or () if name != "piece"]
    return {int(row["piece"]): {name: row[name].tolist() for name in names} for row in base.pieces}


HISTORIES = st.lists(
    st.builds(
        Met,
        number=st.integers(0, 10**6),
        name=st.sampled_from(["impression", "impression", "click", "dismiss"]),
        piece=st.sampled_from("abc"),
        at=st.integers(0, 9) | st.integers(0, 50 * DAY),
    ),
    max_size=30,
    unique_by=lambda one: one.number,
)


@given(HISTORIES, st.integers(0, 30), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_pieces_equal_the_naive_twin(history: list[Met], cut: int, rng: Any) -> None:
    """In any order, cut anywhere, folded on or apart and joined: what is known of pieces is what the whole history says."""
    arrived = rng.sample(history, len(history))
    on = _folded(_folded(EMPTY, arrived[:cut]), arrived[cut:])
    apart = joined([_folded(EMPTY, arrived[:cut]), _folded(EMPTY, arrived[cut:])])
    assert _naive(history) == _shown(on) == _shown(apart)
    assert sorted(on.pieces["piece"].tolist()) == on.pieces["piece"].tolist()


def test_a_piece_is_no_item() -> None:
    """An event about a piece counts as an event and makes no item, no taste and no session, even of an item's id."""
    base = _folded(EMPTY, [Met(0, "click", "a", 0)])
    assert (len(base.items), len(base.recent), base.totals["events"][0]) == (0, 0, 1)
    assert item_hash("a") != piece_hash("a")


@pytest.mark.parametrize("properties", [None, {}, {"piece": 5}, {"piece": ""}, {"decision": "01J"}])
def test_without_a_piece_it_is_about_its_item(properties: Any) -> None:
    """An impression that names no piece is about the item it names, as it was."""
    record = decode_tail(encode(TYPES["impression"](item_id="i", properties=properties), "e", BEGIN))[0]
    assert (record["code"], record["item"]) == (CODES["impression"], item_hash("i"))


def test_only_what_can_happen_to_pieces_is_about_them() -> None:
    """A view of an item with a property of that name stays one of its item."""
    record = decode_tail(encode(TYPES["view_item"](item_id="i", properties={"piece": "a"}), "e", BEGIN))[0]
    assert (record["code"], record["item"]) == (CODES["view_item"], item_hash("i"))
    assert set(ABOUT_PIECE.values()).isdisjoint(CODES.values())


def test_exposures_within_days() -> None:
    """A cap asks how often a piece was seen on so many days up to today, however long ago it was seen last."""
    history = [Met(number, "impression", "a", day * DAY) for number, day in enumerate([0, 0, 5, 6])]
    known = _folded(EMPTY, history).pieces
    asked = [(6, 1), (6, 2), (6, 7), (7, 2), (7, 8), (12, 7), (12, 8), (60, 30)]
    assert [int(pieces.exposures(known, FIRST + day * DAY, days)[0]) for day, days in asked] == [1, 2, 4, 1, 4, 1, 2, 0]


def test_counts_stop_at_their_width() -> None:
    """More exposures than fit are the most that fit, instead of beginning anew."""
    known = _folded(EMPTY, [Met(0, "impression", "a", 0)]).pieces
    full = known.copy()
    full["exposures"], full["daily"] = 65_535, 255
    found = pieces.joined([known, full])
    assert (found["exposures"].tolist(), found["daily"].tolist()) == ([65_535], [[255] * DAYS])


def test_pieces_are_bounded() -> None:
    """The pieces last met stay; a base that left some out says so, and what then comes late marks it."""
    history = [Met(number, "dismiss", f"p{number}", number) for number in range(MAX_PIECES + 9)]
    base = _folded(EMPTY, history)
    assert {piece_hash(f"p{number}") for number in range(9, MAX_PIECES + 9)} == set(base.pieces["piece"].tolist())
    assert base.flags == TRIMMED
    assert _folded(base, [Met(-1, "dismiss", "late", 0)]).flags == TRIMMED | DIRTY
    halves = [_folded(EMPTY, history[:40]), _folded(EMPTY, history[40:])]
    assert joined(halves).pieces.tobytes() == base.pieces.tobytes()


def test_no_pieces_no_bytes() -> None:
    """Whoever met no piece has no bytes for it."""
    assert np.array_equal(EMPTY.pieces, pieces.joined([EMPTY.pieces, EMPTY.pieces]))
    assert pack(EMPTY) == pack(unpack(pack(EMPTY)))
