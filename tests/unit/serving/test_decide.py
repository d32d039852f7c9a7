"""A whole decision equals that of its twin, which knows nothing of arrays, pools and kernels."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import Model, ask, overlaid, state
from tests.unit.serving.test_forbidden import Case, Keeper, _cases
from tests.unit.serving.twin import Lists, Sources, Wanted

from etappe.serving import decide
from etappe.serving.answering.answer import Answer
from etappe.serving.sources.order import FALLBACKS, IN_TURN
from etappe.serving.viewing.view import View
from etappe.settings import Settings

FAMILIES = {source.name: source.family for source in (*IN_TURN, *FALLBACKS)}


def _check(case: Case, answer: Answer, sources: Sources, keeper: Keeper) -> None:
    in_turn, then = sources.in_turn(), sources.then()
    names = [name for name, _ in (*in_turn, *then)]
    twin = Lists(case.items, [blocks for _, blocks in in_turn], [blocks for _, blocks in then])
    for placement in case.placements:
        wanted = Wanted(placement["limit"], placement["max_per_category"])

        def forbids(item: str, placement: dict[str, object] = placement) -> str | None:
            return None if keeper.allows(keeper.items[item], placement) else "something"

        expected = twin.filled(wanted, forbids)
        found = answer.placements[placement["name"]]
        assert [item for _, item, _ in expected] == [item.id for item in found.items or []]
        assert [FAMILIES[names[source]] for source, _, _ in expected] == [item.source for item in found.items or []]
        assert [score for _, _, score in expected] == pytest.approx(
            [item.score for item in found.items or []], abs=1e-4
        )
        assert found.explanation is not None
        assert found.explanation.sources == names
        left_out, most = sum(found.explanation.left_out.values()), twin.left_out.get("something", 0)
        assert left_out == most or (placement["filter"] and left_out < most)  # what is led straight to, leaves out less


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=_cases(), trained=st.booleans())
def test_decision_equals_its_twin(model: Model, case: Case, trained: bool) -> None:
    """Over random shops, histories and requests: the same items, sources, scores and number left out."""
    snapshot = model.snapshot if trained else None
    who = state(case.done) if case.done is not None else None
    asked = {"context": case.context, "placements": case.placements, "explain": True}
    made = ask(
        View(overlaid(case.items), snapshot), who, settings=Settings(showing=case.showing), days=case.days, **asked
    )
    sources = Sources(case.items, snapshot, who, case.context, case.now.timestamp() - 30 * 60)
    _check(case, made.answer, sources, Keeper(case, trained=trained))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=_cases(), trained=st.booleans())
def test_little_at_first_changes_nothing(model: Model, case: Case, trained: bool) -> None:
    """Who wants no explanation is told the same, although sources give few candidates at first: here, one."""
    view = View(overlaid(case.items), model.snapshot if trained else None)
    who = state(case.done) if case.done is not None else None
    asked = {"context": case.context, "placements": case.placements, "days": case.days}
    told = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decide, "_first", lambda request: None if request.explain else 1)
        for explain in (True, False):
            made = ask(view, who, settings=Settings(showing=case.showing), explain=explain, **asked)
            told.append({name: filled.items for name, filled in made.answer.placements.items()})
    assert told[0] == told[1]
