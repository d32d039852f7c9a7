"""Lists that are the same for everyone: what goes with an item, and what is popular. The gate is theirs too."""

from collections.abc import Iterator
from functools import partial
from typing import Final, Literal, get_args

import msgspec
import numpy as np

from etappe.catalog.filters import compile_filter
from etappe.errors import InputError, NotFoundError
from etappe.ids import item_hash
from etappe.models import snapshot
from etappe.models.parts import NONE
from etappe.serving import ranking
from etappe.serving.answering import answer
from etappe.serving.answering.answer import ShownItem
from etappe.serving.answering.shown import shown
from etappe.serving.candidates import Candidates
from etappe.serving.gate import Gate, OwnChecks
from etappe.serving.pool import Pool
from etappe.serving.ranking import Page
from etappe.serving.request import Context
from etappe.serving.situation import Situation, situation
from etappe.serving.sources import alike, neighbours
from etappe.serving.sources import popular as popularity
from etappe.serving.sources.factors import by_score
from etappe.serving.sources.order import Asked
from etappe.serving.sources.source import Ask, Source, Words
from etappe.serving.viewing.view import CUSTOMERS, DECAYED, View, languages, measures
from etappe.settings import Settings

RelatedKind = Literal["also_bought", "wishlist_bought", "similar", "bought_together"]
KINDS: tuple[str, ...] = get_args(RelatedKind)
WINDOWS: tuple[str, ...] = (DECAYED, CUSTOMERS, *(f"{days}d" for days in snapshot.WINDOWS))
"""What popularity is measured over."""
_SIMILAR: Final = Words(kind="similar", alone="Liked by the same customers")
_WORDS: Final = {
    words.kind: words for words in (neighbours.ALSO_BOUGHT, neighbours.WISHLIST_BOUGHT, neighbours.BOUGHT_TOGETHER)
}
_NOTHING: Final = Source(name="nothing", family="", words=_SIMILAR, ask=lambda _here, _into: iter(()))


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
    source = _related(kind, row) if row >= 0 else _NOTHING
    if kind == "similar" and not _has_factors(view, row):
        source = _source("similar", alike.WORDS, partial(alike.ask, row=view.catalogue.row(item_hash(item_id))))
    return _list(here, source, [item_id], limit, locale, settings)


def popular(
    view: View, category: str | None, window: str | None, limit: int, locale: str | None, settings: Settings, now: float
) -> ItemList:
    """What is popular, in the shop or below a category, over a window such as "7d"; by default with decay.

    What nobody bought or saw comes last, and its reason does not call it popular.

    Raises:
        InputError: there is no such window.
    """
    measure = window or DECAYED
    known = measures(view.snapshot) if view.snapshot else WINDOWS
    if measure not in known:
        raise InputError(f"window {window!r} is unknown; there are {', '.join(known)}", field="window")
    here = situation(view, None, Context(), now, 0.0)
    source = _source(popularity.FAMILY, popularity.WORDS, partial(popularity.ranked, measure=measure))
    return _list(here, source, [], limit, locale, settings, category)


def _list(
    here: Situation,
    source: Source,
    around: list[str],
    limit: int,
    locale: str | None,
    settings: Settings,
    category: str | None = None,
) -> ItemList:
    view = here.view
    gate = Gate(view, None, around, settings.showing, here.now)
    own = OwnChecks(view.catalogue, [], compile_filter({"category": category} if category else None))
    ranked = ranking.rank(Pool(here, gate, Asked((source,))), own, Page(), limit)
    listed = shown(here, ranked.picks, languages(locale))
    return ItemList(view.version, answer.decoded_items(listed.items))


def _source(family: str, words: Words, ask: Ask) -> Source:
    return Source(name=words.kind, family=family, words=words, ask=ask)


def _related(kind: str, row: int) -> Source:
    """What goes with the item of a model row."""
    if kind == "similar":
        return _source("similar", _SIMILAR, partial(_similar, row=row))
    return _source(neighbours.FAMILY, _WORDS[kind], partial(_listed, kind=kind, row=row))


def _has_factors(view: View, row: int) -> bool:
    """Whether the model knows the item of a model row (-1: none) by those who took to it."""
    return row >= 0 and view.snapshot is not None and view.has("factors") and bool(view.snapshot.factors[row].any())


def _similar(here: Situation, into: Candidates, row: int) -> Iterator[bool]:
    """Items whose factors point the same way."""
    snapshot = here.view.snapshot
    if snapshot is not None:
        lengths = np.maximum(np.linalg.norm(snapshot.factors, axis=1), 1e-9)
        scores = snapshot.factors @ snapshot.factors[row] / (lengths * lengths[row])
        scores[row] = 0.0
        yield from by_score(here, into, scores)


def _listed(here: Situation, into: Candidates, kind: str, row: int) -> Iterator[bool]:
    """The item's own list, as the snapshot keeps it."""
    if here.view.snapshot is None:
        return
    listed = getattr(here.view.snapshot, kind)
    width = int(np.count_nonzero(listed.rows[row] != NONE))
    rows = here.view.to_rows(listed.rows[row, :width])
    kept = rows >= 0
    if kept.any():
        scores = listed.scores[row, :width]
        into.append(rows[kept], (scores / scores[0])[kept], row, listed.counts[row, :width][kept])
        yield True
