"""What is recorded of a decision."""

import msgspec
from tests.unit.serving.planted import ask, state

from etappe.serving.record import DecisionRecord, record_of
from etappe.serving.request import DecideRequest
from etappe.serving.viewing.view import View

ASKED = {
    "placements": [{"name": "p", "limit": 4}, {"name": "c", "kind": "content"}, {"name": "q", "limit": 2}],
    "context": {"item": "tea-0"},
    "locale": "de",
    "channel": "app",
    "request_id": "r-1",
}


def _record(view: View, *, degraded: bool = False) -> tuple[DecisionRecord, object]:
    request = msgspec.convert(ASKED, DecideRequest)
    made = ask(view, state([("purchase", "coffee-0", 40.0)]), **ASKED)
    told = record_of(request, made.decision, catalogue="7-0", settings_digest="abc", degraded=degraded)
    return msgspec.json.decode(msgspec.json.encode(told), type=DecisionRecord), made


def test_record_shows_what_was_answered(view: View) -> None:
    """Ids, sources and scores of each list are those of the answer, at their positions from 0; content has no list."""
    told, made = _record(view)
    answered = {
        name: [(item.id, place, item.source, item.score) for place, item in enumerate(filled.items)]
        for name, filled in made.answer.placements.items()
        if filled.items is not None
    }
    recorded = {
        name: [(item.id, item.position, item.source, item.score) for item in items]
        for name, items in told.shown.items()
    }
    assert answered == recorded
    assert {name: len(items) for name, items in recorded.items()} == {"p": 4, "q": 2}


def test_record_says_under_what_it_was_made(view: View) -> None:
    """Id, time, touchpoint, state and versions are those of the decision."""
    told, made = _record(view)
    decision = made.decision
    assert (told.decision, told.now) == (decision.moment.decision, decision.moment.now)
    assert (told.channel, told.locale, told.request_id) == ("app", "de", "r-1")
    assert told.context == {"item": "tea-0", "page": None, "cart": []}
    assert (told.state, told.snapshot) == (decision.state_digest, view.version)
    assert (told.catalogue, told.settings) == ("7-0", "abc")
    assert (told.pieces, told.arm, told.holdout) == ({}, None, False)
    assert told.state


def test_record_of_a_degraded_answer(view: View) -> None:
    """A record says whether its answer was degraded, and one from before that was told was not."""
    assert (_record(view, degraded=True)[0].degraded, _record(view)[0].degraded) == (True, False)
    old = msgspec.to_builtins(_record(view)[0])
    del old["degraded"]
    assert msgspec.convert(old, DecisionRecord).degraded is False
