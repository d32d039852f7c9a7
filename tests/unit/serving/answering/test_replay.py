"""An answer given again is the first one, less what may not be shown by now: checked by the naive shop keeper."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import NOW, SETTINGS, Done, Model, ask, catalogue_items, overlaid, state
from tests.unit.serving.test_forbidden import Case, Keeper, _cases

from etappe.catalog.item import ItemPatch
from etappe.customers.state import State
from etappe.errors import DataError
from etappe.serving.answering.answer import Answer
from etappe.serving.answering.replay import replayed
from etappe.serving.request import DecideRequest
from etappe.serving.viewing.view import View
from etappe.settings import Settings


def _request(**asked: Any) -> DecideRequest:
    return msgspec.convert({"placements": [{"name": "p"}], **asked}, DecideRequest)


def _first(view: View, who: State | None = None, **asked: Any) -> bytes:
    return msgspec.json.encode(ask(view, who, **asked).answer)


def _again(view: View, first: bytes, who: State | None = None, *, personal: bool = True, **asked: Any) -> Answer:
    now = NOW.timestamp()
    again = replayed(first, view, _request(**asked), who, SETTINGS, now, personal=personal)
    return msgspec.json.decode(again, type=Answer)


def _ids(answer: Answer | bytes, placement: str = "p") -> list[str]:
    decoded = msgspec.json.decode(answer, type=Answer) if isinstance(answer, bytes) else answer
    return [item.id for item in decoded.placements[placement].items or []]


BUYER: list[Done] = [("purchase", "coffee-0", 60.0), ("view_item", "coffee-1", 3.0)]


@st.composite
def _later(draw: st.DrawFn, case: Case) -> Case:
    """The same question after some time: items changed, more done, and time has gone by."""
    ids = st.sampled_from([item.id for item in case.items] or ["unheard-of"])
    done = st.tuples(st.sampled_from(["purchase", "ignore", "view_item"]), ids, st.sampled_from([0.0, 0.001, 20.0]))
    more = draw(st.lists(done, max_size=3)) if case.done is not None else []
    gone = draw(st.sets(ids, max_size=3))
    changed = [
        msgspec.structs.replace(item, available=False, available_from=None) if item.id in gone else item
        for item in case.items
    ]
    return replace(
        case,
        items=changed,
        done=[*case.done, *more] if case.done is not None else None,
        days=case.days + draw(st.sampled_from([0.0, 0.003, 0.5, 12.0])),
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), trained=st.booleans(), withdrawn=st.booleans())
def test_first_answer_less_what_is_forbidden(model: Model, data: st.DataObject, trained: bool, withdrawn: bool) -> None:
    """Of the first answer just what the shop keeper still allows is left, in order, untouched, under the same decision.

    Who has withdrawn consent since gets of a personal answer only what a stranger would have been shown, too.
    """
    case = data.draw(_cases())
    later = data.draw(_later(case))
    snapshot, chosen = model.snapshot if trained else None, Settings(showing=case.showing)
    asked = {"context": case.context, "placements": case.placements}
    customer = state(case.done) if case.done is not None else None
    first = ask(View(overlaid(case.items), snapshot), customer, settings=chosen, days=case.days, **asked).answer
    encoded = msgspec.json.encode(first)
    known = state(later.done) if later.done is not None and not withdrawn else None
    view, personal = View(overlaid(later.items), snapshot), customer is not None
    now = later.now.timestamp()
    again = replayed(encoded, view, _request(**asked), known, chosen, now, personal=personal)
    found = msgspec.json.decode(again, type=Answer)
    hidden = personal and known is None
    keeper = Keeper(replace(later, done=None) if hidden else later, trained=trained)
    for placement in case.placements:
        before, after = first.placements[placement["name"]].items or [], found.placements[placement["name"]].items
        allowed = [item for item in before if keeper.allows(keeper.items[item.id], placement)]
        assert [item for item in allowed if not hidden or item.reason.kind == "popular"] == after
    assert (first.decision, first.snapshot, first.took_ms) == (found.decision, found.snapshot, found.took_ms)
    if not hidden and found.placements == first.placements:
        assert encoded == again


def test_nothing_changed_is_byte_equal(view: View) -> None:
    """What is still allowed is given again to the byte."""
    who = state(BUYER)
    first = _first(view, who, explain=True)
    again = replayed(first, view, _request(explain=True), who, SETTINGS, NOW.timestamp(), personal=True)
    assert first == again


def test_new_titles_and_prices_do_not_show(view: View) -> None:
    """A replay says what the first answer said, not what it would say now."""
    who = state(BUYER)
    first = _first(view, who)
    view.catalogue.apply(ItemPatch(id=_ids(first)[0], title="new", price=999.0))
    assert first == replayed(first, view, _request(), who, SETTINGS, NOW.timestamp(), personal=True)


def test_withdrawal_hides_who_it_was(view: View) -> None:
    """After a withdrawal neither items by taste, nor that they were known, nor what rules left out is told."""
    first = _first(view, state(BUYER), explain=True)
    before = msgspec.json.decode(first, type=Answer)
    assert (before.customer.known, before.placements["p"].explanation is None) == (True, False)
    again = _again(view, first, None, explain=True)
    assert (again.customer.known, again.placements["p"].explanation) == (False, None)
    assert {item.reason.kind for item in again.placements["p"].items or []} <= {"popular"}
    assert 0 < len(_ids(again)) < len(_ids(first))


def test_strangers_answer_is_held_against_what_is_known_now(view: View) -> None:
    """An answer to a stranger goes on without what the customer has ignored since."""
    first = _first(view)
    ignored = _ids(first)[0]
    again = _again(view, first, state([("ignore", ignored, 0.0)]), personal=False)
    assert _ids(first)[1:] == _ids(again)
    assert first == replayed(first, view, _request(), None, SETTINGS, NOW.timestamp(), personal=False)


def test_item_that_the_catalogue_lacks_is_left_out(view: View) -> None:
    """A replica whose catalogue has no such item does not show it."""
    first = _first(view)
    gone = _ids(first)[0]
    smaller = View(overlaid(item for item in catalogue_items() if item.id != gone), view.snapshot)
    assert _ids(first)[1:] == _ids(_again(smaller, first, personal=False))


def test_content_stays(view: View) -> None:
    """A placement of content has nothing that the gate of items could hold back."""
    asked = {"placements": [{"name": "p", "kind": "content"}, {"name": "q"}]}
    first = _first(view, **asked)
    view.catalogue.apply(ItemPatch(id=_ids(first, "q")[0], available=False))
    again = _again(view, first, personal=False, **asked)
    assert (again.placements["p"].content, again.placements["p"].items) == ([], None)


def test_answer_of_another_version(view: View) -> None:
    """What cannot be read as an answer is a DataError, so that it can be passed over."""
    with pytest.raises(DataError, match="kept answer cannot be read"):
        _again(view, b'{"decision": 1}')
