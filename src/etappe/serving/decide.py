"""The decision: for one customer, at one moment, at one touchpoint. Plain computing; nothing here waits."""

import time
from typing import Final

import msgspec

from etappe.catalog.filters import compile_filter
from etappe.customers.state import State, denied, fold_state
from etappe.ids import new_decision_id
from etappe.serving import candidates, ranking
from etappe.serving.answer import Answer, AnsweredCustomer, Explanation, FilledPlacement
from etappe.serving.candidates import Source
from etappe.serving.ranking import Pick
from etappe.serving.reasons import shown_item, with_taste
from etappe.serving.request import DecideRequest, Placement
from etappe.serving.rules import Forbidden, Gate, nothing_forbidden
from etappe.serving.situation import Situation, situation
from etappe.serving.view import Rows, View
from etappe.settings import Settings

SECONDS_PER_MINUTE: Final = 60


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and what is recorded of how it came about. `picks` are catalogue rows by placement, in order."""

    answer: Answer
    state_digest: str
    picks: dict[str, list[Pick]]
    now: float


def state_of(base: bytes, tail: bytes, settings: Settings, channel: str | None = None) -> State | None:
    """The state of a customer's record; None for a stranger and for whoever does not allow personalisation.

    Nor is it there for a channel (e-mail, say) that the customer does not want to be reached through.
    """
    if not base and not tail:
        return None
    if denied(base, tail, settings.consent.unknown == "deny", channel):
        return None
    return fold_state(base, tail, settings.learning.half_life_days)


def decide(view: View, request: DecideRequest, state: State | None, settings: Settings, now: float) -> Decision:
    """Fills the placements of `request` for the customer with `state`, at `now` (Unix seconds).

    Deterministic: the same arguments give the same answer but for `decision` and `took_ms`.

    Raises:
        InputError: a filter of the request cannot be understood.
    """
    began = time.perf_counter()
    here = situation(view, state, request.context, now, settings.rules.session_minutes * SECONDS_PER_MINUTE)
    forbidden = forbidden_to(view, state, settings, now)
    shown: set[int] = set()
    placements: dict[str, FilledPlacement] = {}
    picks: dict[str, list[Pick]] = {}
    for placement in request.placements:
        if placement.kind == "content":
            placements[placement.name] = FilledPlacement(content=[])
            continue
        filled, chosen = _fill(view, request, placement, here, forbidden, shown)
        placements[placement.name], picks[placement.name] = filled, chosen
    answer = Answer(
        decision=new_decision_id(),
        snapshot=view.version,
        took_ms=round((time.perf_counter() - began) * 1000, 3),
        customer=AnsweredCustomer(known=state is not None and state.known),
        placements=placements,
    )
    return Decision(answer=answer, state_digest=state.digest if state else "", picks=picks, now=now)


def plan(here: Situation) -> tuple[list[Source], list[Source]]:
    """The sources to ask in turn, one item of each, and those to ask one after another when the first have no more.

    Whoever is at something is shown what goes with it, and whoever is known what fits what they took to before. A
    source whose part the snapshot lacks is not asked.
    """
    asked: list[tuple[Source, str, Rows]] = [
        (candidates.by_cart, "bought_together", here.cart),
        (candidates.by_session, "also_bought", here.seeds),
        (candidates.by_factors, "factors", here.history),
        (candidates.by_copurchase, "also_bought", here.history),
    ]
    first = [source for source, part, rows in asked if len(rows) and here.view.has(part)]
    return first, [candidates.by_category, candidates.by_popularity]


def forbidden_to(view: View, state: State | None, settings: Settings, now: float) -> Forbidden:
    """What the customer with `state` must not be shown; None is a stranger."""
    if state is None:
        return nothing_forbidden(view, settings.rules)
    return Forbidden(view, state.items, settings.rules, now, state.claims)


def gate_of(view: View, request: DecideRequest, placement: Placement, forbidden: Forbidden, now: float) -> Gate:
    """What holds for one placement of a request.

    Raises:
        InputError: its filter cannot be understood.
    """
    context = request.context
    wanted = compile_filter(placement.filter, f"placements.{placement.name}.filter")
    on_page = [*context.cart, *([context.item] if context.item else [])]
    return Gate(view.catalogue, forbidden, wanted, placement.exclude, on_page, now)


def _fill(
    view: View, request: DecideRequest, placement: Placement, here: Situation, forbidden: Forbidden, shown: set[int]
) -> tuple[FilledPlacement, list[Pick]]:
    gate = gate_of(view, request, placement, forbidden, here.now)
    first, then = plan(here)
    streams = ranking.one_after_another(
        [
            ranking.in_turn([ranking.stream(source(here), gate) for source in first]),
            *(ranking.stream(source(here), gate) for source in then),
        ]
    )
    chosen = ranking.fill(streams, view.catalogue, placement.limit, placement.max_per_category, shown)
    shown.update(int(view.catalogue.column("group")[pick.row]) for pick in chosen)
    explanation = None
    if request.explain:
        explanation = Explanation(
            sources=[source.__name__.removeprefix("by_") for source in (*first, *then)], left_out=gate.left_out
        )
    items = [shown_item(here, pick, request.locale) for pick in with_taste(here, chosen)]
    return FilledPlacement(items=items, explanation=explanation), chosen
