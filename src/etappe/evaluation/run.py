"""The evaluation: learn from the past, ask the serving code, and compare with what customers did next."""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from etappe import progress as progressing
from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue
from etappe.customers.state import State
from etappe.errors import InputError
from etappe.evaluation import metrics
from etappe.evaluation.report import Line, Report, Scores
from etappe.evaluation.split import LearnFrom, Split, split
from etappe.evaluation.states import states
from etappe.ids import item_hash
from etappe.models.snapshot import Snapshot
from etappe.progress import Progress
from etappe.serving.candidates import Candidates
from etappe.serving.decide import decide
from etappe.serving.moment import Moment
from etappe.serving.request import Context, DecideRequest, Placement
from etappe.serving.situation import Situation, situation
from etappe.serving.sources import copurchase, factors, popular
from etappe.serving.sources.source import Ask
from etappe.serving.viewing.view import CUSTOMERS, Rows, View
from etappe.settings import Settings
from etappe.training.fit import fit_snapshot

MAX_K: Final = 100
SAMPLE: Final = 5000
"""Test customers asked for at most: the standard error of a mean recall over so many is below .006."""
_SEED: Final = 20_260_101
_NONE: Final = -1
_STEP: Final = "asking for test customers"
_EVERY: Final = 50


def _popular(here: Situation, into: Candidates) -> Iterator[bool]:
    return popular.ranked(here, into, CUSTOMERS)


SOURCES: Final[Mapping[str, Ask]] = {
    "popular": _popular,
    "popular, decayed": popular.ask,
    "copurchase": copurchase.ask,
    "factors": factors.ask,
}
_PARTS: Final = {"copurchase": "also_bought", "factors": "factors"}
"""The part of a snapshot without which a source has no line."""
SERVED: Final = "served"
"""The list that `decide` fills, gate and all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A customer of the test at the cut, in the catalogue's rows."""

    here: Situation
    state: State
    owned: Rows
    owned_ids: list[str]
    truth: Rows


Lister = Callable[[_Asked, bool], list[int]]
"""The rows recommended to a customer, best first; with owned ones left out where told so."""


def evaluate(
    events: pl.LazyFrame,
    *,
    settings: Settings,
    test_days: int = 28,
    k: int = 10,
    learn_from: LearnFrom = "purchases",
    items: Iterable[Item] = (),
    sample: int = SAMPLE,
    progress: Progress = progressing.silent,
) -> Report:
    """How well each source, and the list served, foretells the last `test_days` days of `events`.

    Args:
        events: the event table, each event once.
        settings: as they are in service.
        test_days: length of the test.
        k: length of the lists.
        learn_from: whether only purchases before the cut are learned from, or all that identified customers did.
        items: the catalogue, for categories and variants; whatever was bought counts as available.
        sample: so many customers are tested at most, drawn at random but always the same.
        progress: called as work goes on.

    Raises:
        InputError: an option is out of range, or the log gives no test.
    """
    if not 1 <= k <= MAX_K:
        raise InputError(f"lists of {k}; k is 1 to {MAX_K}", field="k")
    cut = split(events, test_days, learn_from)
    if len(cut.cases) > sample:
        cut = replace(cut, cases=random.Random(_SEED).sample(cut.cases, sample))  # noqa: S311 - a sample, no secret
    with tempfile.TemporaryDirectory(prefix="etappe-evaluate-") as folder:
        view = _view(cut, settings, items, Path(folder), progress)
        lines = _lines(view, cut, settings, k, progress)
    return Report(
        cut=cut.cut,
        test_days=test_days,
        k=k,
        learned_from=learn_from,
        customers=cut.customers,
        items=len(cut.items),
        pairs=cut.pairs,
        lines=lines,
    )


def _view(cut: Split, settings: Settings, items: Iterable[Item], folder: Path, progress: Progress) -> View:
    """What a replica would have answered from at the cut."""
    manifest = fit_snapshot(cut.train, settings=settings, now=cut.cut, log_position=0, folder=folder, progress=progress)
    known = {item.id: item for item in items}
    catalogue = Catalogue()
    for name in cut.items:
        item = known.get(name)
        category, group = (item.category, item.item_group_id) if item else (None, None)
        catalogue.apply(ItemPatch(id=name, category=category, item_group_id=group))
    return View(catalogue, Snapshot.open(folder / manifest.version))


def _lines(view: View, cut: Split, settings: Settings, k: int, progress: Progress) -> list[Line]:
    asked = list(_ask(view, cut, settings, progress))
    listers: dict[str, Lister] = {
        name: _of_source(ask, k) for name, ask in SOURCES.items() if name not in _PARTS or view.has(_PARTS[name])
    }
    listers[SERVED] = _served(view, settings, cut.cut.timestamp(), k)
    lines = []
    for done, (name, lister) in enumerate(listers.items()):
        told = _part(progress, done, len(listers), len(asked))
        lines.append(_line(name, lister, asked, k, len(cut.items), told))
    return lines


def _ask(view: View, cut: Split, settings: Settings, progress: Progress) -> Iterator[_Asked]:
    progress("customers at the cut", 0)
    tested = cut.train.filter(pl.col("subject").is_in([case.subject for case in cut.cases]))
    known = states(tested, settings.learning.half_life_days)
    progress("customers at the cut", len(known), len(known))
    now = cut.cut.timestamp()
    for case in cut.cases:
        state = known[case.subject]
        yield _Asked(
            here=situation(view, state, Context(), now, 0.0),
            state=state,
            owned=_rows(view, case.owned),
            owned_ids=case.owned,
            truth=_rows(view, case.truth),
        )


def _rows(view: View, ids: list[str]) -> Rows:
    return view.catalogue.rows(np.array([item_hash(name) for name in ids], np.uint64))


def _of_source(ask: Ask, k: int) -> Lister:
    def listed(asked: _Asked, without_owned: bool) -> list[int]:
        found: list[int] = []
        told, taken = Candidates(), 0
        for _ in ask(asked.here, told):
            rows = told.rows[taken : told.count]
            kept = rows[~np.isin(rows, asked.owned)] if without_owned else rows
            found.extend(kept[: k - len(found)].tolist())
            taken = told.count
            if len(found) == k:
                break
        return found

    return listed


def _served(view: View, settings: Settings, now: float, k: int) -> Lister:
    def listed(asked: _Asked, without_owned: bool) -> list[int]:
        placement = Placement(name=SERVED, limit=k, exclude=asked.owned_ids if without_owned else [])
        moment = Moment(now=now, decision=SERVED, seed=_SEED)
        decision = decide(view, DecideRequest(placements=[placement]), asked.state, settings, moment)
        rows: list[int] = decision.picks(SERVED).rows.tolist()
        return rows

    return listed


def _line(name: str, lister: Lister, asked: list[_Asked], k: int, items: int, told: Callable[[int], None]) -> Line:
    lists = {kind: np.full((len(asked), k), _NONE, np.int64) for kind in ("all", "new")}
    for index, one in enumerate(asked):
        for kind, table in lists.items():
            rows = lister(one, kind == "new")
            table[index, : len(rows)] = rows
        if index % _EVERY == 0:
            told(index)
    told(len(asked))
    truths = {"all": [one.truth for one in asked], "new": [np.setdiff1d(one.truth, one.owned) for one in asked]}
    return Line(name=name, **{kind: _scores(lists[kind], truths[kind], items) for kind in lists})


def _scores(lists: NDArray[np.int64], truths: list[Rows], items: int) -> Scores:
    """Over the customers with a truth; coverage too counts their lists only."""
    sizes = np.array([len(truth) for truth in truths])
    tested = np.flatnonzero(sizes > 0)
    hits = np.array([np.isin(lists[index], truths[index]) for index in tested], np.bool_).reshape(-1, lists.shape[1])
    return Scores(
        customers=len(tested),
        recall=metrics.recall(hits, sizes[tested]),
        ndcg=metrics.ndcg(hits, sizes[tested]),
        coverage=metrics.coverage(lists[tested], items),
    )


def _part(progress: Progress, done: int, parts: int, size: int) -> Callable[[int], None]:
    """Progress of one line among all of them."""
    return lambda index: progress(_STEP, done * size + index, parts * size)
