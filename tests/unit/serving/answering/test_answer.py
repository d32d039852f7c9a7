"""Answers put together from fragments are the JSON of their types."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import overlaid

from etappe.catalog.item import Item
from etappe.serving.answering import answer
from etappe.serving.answering.answer import Answer, AnsweredCustomer, Explanation, FilledPlacement, Reason, ShownItem

TEXT = st.text(max_size=12)


@settings(deadline=None)
@given(
    title=TEXT,
    category=st.none() | TEXT,
    price=st.none() | st.floats(0, 1e6),
    score=st.floats(0, 1),
    text=TEXT,
    with_=st.none() | TEXT,
)
def test_items_decode_to_what_they_show(
    title: str, category: str | None, price: float | None, score: float, text: str, with_: str | None
) -> None:
    """Whatever stands in titles and reasons, the JSON decodes to the item that is meant, and says nothing besides."""
    item = Item(id='i"\\1', title=title, category=category, price=price, url="/a", currency=None)
    reason = Reason(kind="again", text=text, with_=with_, customers=12, of=20)
    made = answer.shown_item(overlaid([item]).fragment(0), score, "popular", reason)
    expected = ShownItem(
        id=item.id,
        title=title or item.id,
        score=round(score, 6),
        source="popular",
        reason=reason,
        price=price,
        category=category,
        url="/a",
    )
    assert answer.decoded_items([made, made]) == [expected] * 2
    assert msgspec.json.decode(made) == msgspec.to_builtins(expected)


def test_answer_decodes_to_its_type() -> None:
    """All parts come out as they went in, names with quotes too; `degraded` is there only where it holds."""
    explanation = Explanation(sources=["cart"], left_out={"ignored": 2})
    parts = {
        "decision": "01JD",
        "snapshot": "2026",
        "took_ms": 1.25,
        "customer": AnsweredCustomer(known=True, segments=["a"]),
    }
    placements = {
        'li"st': answer.filled_with([], explanation),
        "plain": answer.filled_with([]),
        "c": answer.content_of([]),
    }
    expected = {
        'li"st': FilledPlacement(items=[], explanation=explanation),
        "plain": FilledPlacement(items=[]),
        "c": FilledPlacement(content=[]),
    }
    for degraded in (False, True):
        made = answer.encoded(**parts, placements=placements, degraded=degraded)
        assert answer.decoded(made) == Answer(**parts, placements=expected, degraded=degraded)
        assert (b"degraded" in made) is degraded
    made = answer.encoded(**{**parts, "snapshot": None}, placements={}, degraded=False)
    assert answer.decoded(made) == Answer(**{**parts, "snapshot": None}, placements={})
