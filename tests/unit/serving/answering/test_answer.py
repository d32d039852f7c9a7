"""Answers put together from parts are the JSON of their types."""

from etappe.serving.answering import answer
from etappe.serving.answering.answer import Answer, AnsweredCustomer, Explanation, FilledPlacement


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
