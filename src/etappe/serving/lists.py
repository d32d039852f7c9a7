"""Lists that are the same for everyone: what goes with an item, and what is popular. The rules hold here too."""

from collections.abc import Iterator
from typing import Literal, get_args

import msgspec
import numpy as np

from etappe.catalog.filters import compile_filter
from etappe.errors import InputError, NotFoundError
from etappe.ids import item_hash
from etappe.models import snapshot
from etappe.models.copurchase import Neighbours
from etappe.models.parts import NONE
from etappe.serving import ranking
from etappe.serving.answer import ShownItem
from etappe.serving.candidates import Candidates, by_score, ranked
from etappe.serving.reasons import shown_item
from etappe.serving.request import Context
from etappe.serving.rules import Gate, nothing_forbidden
from etappe.serving.situation import Situation, situation
from etappe.serving.view import CUSTOMERS, DECAYED, View, measures
from etappe.settings import Settings

RelatedKind = Literal["also_bought", "wishlist_bought", "similar", "bought_together"]
KINDS: tuple[str, ...] = get_args(RelatedKind)
WINDOWS: tuple[str, ...] = (DECAYED, CUSTOMERS, *(f"{days}d" for days in snapshot.WINDOWS))
"""What popularity is measured over."""


class ItemList(msgspec.Struct, frozen=True):
    """A list of items from one snapshot."""

    snapshot: str | None
    items: list[ShownItem]


def related(
    view: View, item_id: str, kind: str, limit: int, locale: str | None, settings: Settings, now: float
) -> ItemList:
    """What goes with an item. Shorter than `limit`, or empty, where customers have not shown that much.

    Raises:
        InputError: there is no such kind.
        NotFoundError: the catalogue has no such item.
    """
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is unknown; there are {', '.join(KINDS)}", field="kind")
    if view.catalogue.find(item_id) is None:
        raise NotFoundError(f"the catalogue has no item {item_id!r}")
    row = int(view.model_rows(np.array([item_hash(item_id)], np.uint64))[0])
    here = situation(view, None, Context(), now, 0.0)
    blocks = _related(here, kind, row) if row >= 0 else iter(())
    return _list(view, here, blocks, [item_id], limit, locale, settings)


def popular(
    view: View, category: str | None, window: str | None, limit: int, locale: str | None, settings: Settings, now: float
) -> ItemList:
    """What is popular, in the shop or below a category, over a window such as "7d"; by default with decay.

    Raises:
        InputError: there is no such window.
    """
    measure = window or DECAYED
    known = measures(view.snapshot) if view.snapshot else [DECAYED, CUSTOMERS]
    if measure not in known:
        raise InputError(f"window {window!r} is unknown; there are {', '.join(known)}", field="window")
    here = situation(view, None, Context(), now, 0.0)
    return _list(view, here, ranked(here, "popular", measure), [], limit, locale, settings, category)


def _list(
    view: View,
    here: Situation,
    blocks: Iterator[Candidates],
    around: list[str],
    limit: int,
    locale: str | None,
    settings: Settings,
    category: str | None = None,
) -> ItemList:
    wanted = compile_filter({"category": category} if category else None)
    gate = Gate(view.catalogue, nothing_forbidden(view, settings.rules), wanted, [], around, here.now)
    picks = ranking.fill(ranking.stream(blocks, gate), view.catalogue, limit, None, set())
    return ItemList(view.version, [shown_item(here, pick, locale) for pick in picks])


def _related(here: Situation, kind: str, row: int) -> Iterator[Candidates]:
    snapshot = here.view.snapshot
    if snapshot is None:
        return
    if kind == "similar":
        lengths = np.maximum(np.linalg.norm(snapshot.factors, axis=1), 1e-9)
        scores = snapshot.factors @ snapshot.factors[row] / (lengths * lengths[row])
        scores[row] = 0.0
        yield from by_score(here, "similar", "similar", scores)
    else:
        yield from _listed(here, kind, getattr(snapshot, kind), row)


def _listed(here: Situation, kind: str, neighbours: Neighbours, row: int) -> Iterator[Candidates]:
    """The item's own list, as the snapshot keeps it."""
    width = int(np.count_nonzero(neighbours.rows[row] != NONE))
    rows = here.view.to_rows(neighbours.rows[row, :width])
    kept = rows >= 0
    if kept.any():
        scores = neighbours.scores[row, :width]
        yield Candidates(
            source="copurchase",
            reason=kind,
            rows=rows[kept],
            scores=(scores / scores[0])[kept],
            because=np.full(int(kept.sum()), row, np.int64),
            counts=neighbours.counts[row, :width][kept].astype(np.int64),
        )
