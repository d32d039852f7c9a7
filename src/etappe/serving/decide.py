"""The decision: for one customer, at one moment, at one touchpoint. Plain computing; nothing here waits.

It goes in phases, a module each: situation, pool, list, pieces, answer.
"""

from typing import Final

import msgspec

from etappe.customers.state import State, denied, recalled
from etappe.serving import gate, ranking
from etappe.serving.answering import answer, pieces
from etappe.serving.answering.answer import Answer, AnsweredCustomer, Explanation
from etappe.serving.answering.shown import Shown, shown
from etappe.serving.gate import Gate
from etappe.serving.moment import Moment
from etappe.serving.pool import Pool
from etappe.serving.ranking import Page, Picks
from etappe.serving.request import DecideRequest, Placement
from etappe.serving.situation import situation
from etappe.serving.sources import order
from etappe.serving.viewing.view import View, languages
from etappe.settings import Settings

SECONDS_PER_MINUTE: Final = 60
_FIRST: Final = 12
"""Candidates that a source is asked for at first, beside _A_PLACE for each item to be shown: more are seldom needed."""
_A_PLACE: Final = 2


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and how it came about. `placements` are JSON; `lists` are those of them that show items."""

    moment: Moment
    snapshot: str | None
    customer: AnsweredCustomer
    state_digest: str
    placements: dict[str, bytes]
    lists: dict[str, Shown]

    def encoded(self, took_ms: float, *, degraded: bool = False) -> bytes:
        """The answer as it is sent."""
        return answer.encoded(
            decision=self.moment.decision,
            snapshot=self.snapshot,
            took_ms=took_ms,
            customer=self.customer,
            placements=self.placements,
            degraded=degraded,
        )

    def answer(self, took_ms: float = 0.0) -> Answer:
        """The answer as who reads it would decode it."""
        return answer.decoded(self.encoded(took_ms))

    def picks(self, placement: str) -> Picks:
        """What a placement shows, as rows of the catalogue and what speaks for them."""
        return self.lists[placement].picks


def state_of(base: bytes, tail: bytes, settings: Settings, channel: str | None = None) -> State | None:
    """The state of a customer's record; None for a stranger and for whoever does not allow personalisation.

    Nor is it there for a channel (e-mail, say) that the customer does not want to be reached through.
    """
    if not base and not tail:
        return None
    if denied(base, tail, settings.consent.unknown == "deny", channel):
        return None
    return recalled(base, tail, settings.learning.half_life_days)


def decide(view: View, request: DecideRequest, state: State | None, settings: Settings, moment: Moment) -> Decision:
    """Fills the placements of `request` for the customer with `state`. The same arguments give the same decision.

    Raises:
        InputError: a filter of the request cannot be understood.
    """
    session_seconds = settings.showing.session_minutes * SECONDS_PER_MINUTE
    here = situation(view, state, request.context, moment.now, session_seconds, _first(request))
    judging = Gate(view, state, gate.on_page(request.context), settings.showing, moment.now)
    pool = Pool(here, judging, order.asked(here))
    page, placements, lists = Page(), {}, {}
    for placement in request.placements:
        if placement.kind == "content":
            placements[placement.name] = answer.content_of(pieces.choose(here, placement, moment))
            continue
        lists[placement.name], placements[placement.name] = _list(pool, page, placement, request)
    return Decision(
        moment=moment,
        snapshot=view.version,
        customer=AnsweredCustomer(known=state is not None and state.known),
        state_digest=state.digest if state else "",
        placements=placements,
        lists=lists,
    )


def _first(request: DecideRequest) -> int | None:
    """How many candidates sources give at first; an explanation counts those left out by whole blocks."""
    wanted = sum(placement.limit for placement in request.placements)
    return None if request.explain else _FIRST + _A_PLACE * wanted


def _list(pool: Pool, page: Page, placement: Placement, request: DecideRequest) -> tuple[Shown, bytes]:
    """A placement filled with items, and its JSON."""
    own = gate.own_checks(pool.here.view.catalogue, placement)
    ranked = ranking.rank(pool, own, page, placement.limit, placement.max_per_category, explain=request.explain)
    listed = shown(pool.here, ranked.picks, languages(request.locale))
    explanation = None
    if request.explain:
        explanation = Explanation(sources=[source.name for source in pool.sources], left_out=ranked.left_out)
    return listed, answer.filled_with(listed.items, explanation)
