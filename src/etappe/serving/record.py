"""What is recorded of a decision, so that it can be explained, audited and learned from."""

from typing import Any

import msgspec

from etappe.serving.answering.shown import Shown
from etappe.serving.decide import Decision
from etappe.serving.request import DecideRequest


class ShownAt(msgspec.Struct, frozen=True):
    """An item shown: its position from 0, source and score."""

    id: str
    position: int
    source: str
    score: float


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One decision. The customer is not in it: the row it is kept in carries the subject.

    `pieces` are the eligible pieces with their propensities; `arm` is the experiment's, `holdout` the global hold-out.
    Both exist from the first version and are empty until there are pieces and experiments.
    """

    decision: str
    now: float
    channel: str
    locale: str | None
    context: Any
    request_id: str | None
    state: str
    snapshot: str | None
    catalogue: str
    settings: str
    shown: dict[str, list[ShownAt]]
    pieces: dict[str, list[Any]] = {}
    arm: str | None = None
    holdout: bool = False
    degraded: bool = False


def record_of(
    request: DecideRequest, decision: Decision, *, catalogue: str, settings_digest: str, degraded: bool = False
) -> DecisionRecord:
    """The record of a decision; `catalogue` is the position of the journal that it was made at."""
    return DecisionRecord(
        decision=decision.moment.decision,
        now=decision.moment.now,
        channel=request.channel,
        locale=request.locale,
        context=request.context,
        request_id=request.request_id,
        state=decision.state_digest,
        snapshot=decision.snapshot,
        catalogue=catalogue,
        settings=settings_digest,
        shown={name: _shown(listed) for name, listed in decision.lists.items()},
        degraded=degraded,
    )


def _shown(listed: Shown) -> list[ShownAt]:
    picks = listed.picks
    families = [source.family for source in picks.sources]
    told = enumerate(zip(listed.ids, picks.source.tolist(), listed.scores, strict=True))
    return [ShownAt(item_id, place, families[source], score) for place, (item_id, source, score) in told]
