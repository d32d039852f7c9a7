"""Rows matched and put in order once, and kept up with changes: the same as matching and sorting anew, by the rule."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import catalogue_items, compiled, overlaid

from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue
from etappe.ids import item_hash
from etappe.models.snapshot import Snapshot
from etappe.serving.viewing import alignment
from etappe.serving.viewing.view import CUSTOMERS, DECAYED, View

MEASURES = [DECAYED, CUSTOMERS, "7d"]
KNOWN = [item.id for item in catalogue_items()]
IDS = st.sampled_from([*KNOWN, "new-1", "new-2", "new-3"])
CHANGES = st.lists(
    st.tuples(IDS, st.sampled_from(["tea", "coffee", "garden", None]), st.booleans()), max_size=14
)  # fmt: skip


def measured(view: View, measure: str) -> np.ndarray:
    """float64[rows]: a measure of all rows, 0 where the snapshot lacks the item."""
    to_model, values = view.measured(measure)
    return np.array([float(values[row]) if row >= 0 else 0.0 for row in to_model.tolist()])


def _sorted(view: View, rows: list[int], measure: str) -> list[int]:
    """The rows by a full sort: measure, decayed popularity, hash."""
    hashes = view.catalogue.column("hash")
    values = {name: measured(view, name) for name in (measure, DECAYED)}
    return sorted(rows, key=lambda row: (-values[measure][row], -values[DECAYED][row], int(hashes[row])))


def _by_rule(view: View, measure: str, before: dict[int, int], code: int) -> list[int]:
    """The rows of a category (-1: all): those that were in it by a full sort, then those that came into it."""
    now = dict(enumerate(view.catalogue.column("category").tolist()))
    inside = [row for row in now if code in (-1, now[row])]
    stayed = [row for row in inside if row in before and code in (-1, before[row])]
    moved = [row for row in inside if row in before and row not in stayed]
    came = sorted(row for row in inside if row not in before)
    return _sorted(view, stayed, measure) + _sorted(view, moved, measure) + came


@given(st.lists(st.sampled_from(catalogue_items()), unique_by=lambda item: item.id), CHANGES, st.integers(0, 14))
@settings(deadline=None)
def test_orders_after_changes_are_a_full_sort_by_the_rule(
    snapshot: Snapshot, items: list[Item], changes: list[tuple[str, str | None, bool]], asked: int
) -> None:
    """After any changes, asked in between or not, known rows are as sorted anew, and who came or moved is behind."""
    view = View(overlaid(items), snapshot)
    before = dict(enumerate(view.catalogue.column("category").tolist()))
    for measure in MEASURES:
        view.by_popularity(measure)
    for number, (item_id, category, available) in enumerate(changes):
        view.catalogue.apply(ItemPatch(id=item_id, category=category, available=available))
        if number >= asked:
            view.by_popularity(DECAYED, number % 4)
    for measure in MEASURES:
        for code in range(-1, len(view.catalogue.categories)):
            expected = _by_rule(view, measure, before, code)
            assert expected == view.by_popularity(measure, code).tolist()
    ranked = view.by_popularity(DECAYED).tolist()
    assert ranked == view.most_popular_first(np.arange(len(ranked))).tolist()


@given(st.lists(st.sampled_from(catalogue_items()), unique_by=lambda item: item.id), CHANGES)
@settings(deadline=None)
def test_rows_of_both_are_matched_as_anew(
    snapshot: Snapshot, items: list[Item], changes: list[tuple[str, str | None, bool]]
) -> None:
    """After any changes rows and model rows lead to one another, and to popularity, as in a view that is made anew."""
    view = View(overlaid(items), snapshot)
    view.by_popularity()
    for item_id, category, _ in changes:
        view.catalogue.apply(ItemPatch(id=item_id, category=category))
    fresh = view.aligned()
    rows, models = np.arange(len(view.catalogue)), np.arange(len(snapshot.items))
    assert fresh.to_rows(models).tolist() == view.to_rows(models).tolist()
    assert fresh.to_model_rows(rows).tolist() == view.to_model_rows(rows).tolist()
    for measure in MEASURES:
        assert measured(fresh, measure).tolist() == measured(view, measure).tolist()
    assert [told.tolist() for told in fresh.again()] == [told.tolist() for told in view.again()]


def test_aligned_anew_everything_is_a_full_sort(snapshot: Snapshot) -> None:
    """What came or moved has its place by popularity again once rows are put in order anew."""
    view = View(overlaid(catalogue_items()[3:]), snapshot)
    view.by_popularity()
    for item in catalogue_items()[:3]:
        view.catalogue.apply(ItemPatch(id=item.id, category="tea"))
    rows = list(range(len(view.catalogue)))
    assert _sorted(view, rows, DECAYED) != view.by_popularity().tolist()
    assert _sorted(view, rows, DECAYED) == view.aligned().by_popularity().tolist()


def test_a_change_sorts_nothing(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a change of any kind, the orders there are give the next answer: nothing is matched or sorted anew."""
    view = View(overlaid(catalogue_items()), snapshot).ready()
    before = view.by_popularity()

    def refused(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(alignment.np, "lexsort", refused)
    monkeypatch.setattr(Catalogue, "rows", refused)
    view.catalogue.apply(ItemPatch(id=KNOWN[0], available=False, price=3.0, category="garden"))
    view.catalogue.apply(ItemPatch(id="new-1"))
    assert [*before.tolist(), len(KNOWN)] == view.by_popularity().tolist()


def test_worn_after_many_moves(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other changes leave rows in order; a share of them moved or new makes it worth putting them in order anew."""
    monkeypatch.setattr(alignment, "_MOST_MOVES", 5)
    view = View(overlaid(catalogue_items()), snapshot)
    for number in range(20):
        view.catalogue.apply(ItemPatch(id=KNOWN[0], price=float(number)))
    assert not view.worn
    for number in range(6):
        view.catalogue.apply(ItemPatch(id=f"new-{number}"))
    assert (view.worn, view.aligned().worn) == (True, False)


@pytest.fixture
def moving(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> View:
    """A view whose catalogue changes at the worst moments while another view is made of it."""
    view = View(overlaid(catalogue_items()[:-2]), snapshot).ready()
    at = iter(range(100))
    rows_of, lexsort = Snapshot.rows_of, np.lexsort

    def change() -> None:
        number = next(at)
        category = ("tea", "coffee", "garden")[number % 3]
        view.catalogue.apply(ItemPatch(id=KNOWN[-1 - number % 4], category=category))
        view.catalogue.apply(ItemPatch(id=f"new-{number}", category=category))

    def sorting(keys: object) -> object:
        change()
        return lexsort(keys)  # type: ignore[call-overload]

    def matching(self: Snapshot, hashes: object) -> object:
        change()
        return rows_of(self, hashes)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(alignment.np, "lexsort", sorting)
        patched.setattr(Snapshot, "rows_of", matching)
        other = view.aligned()
    change()
    return other


def test_a_view_may_be_made_while_the_catalogue_changes(moving: View) -> None:
    """Rows that come or move while another thread matches and sorts are in it, once each and in their category."""
    assert sorted(moving.by_popularity().tolist()) == list(range(len(moving.catalogue)))
    for code in range(len(moving.catalogue.categories)):
        expected = np.flatnonzero(moving.catalogue.column("category") == code).tolist()
        assert expected == sorted(moving.by_popularity(DECAYED, code).tolist())
    assert moving.snapshot is not None
    for row, hashed in enumerate(moving.catalogue.column("hash")):
        assert int(moving.snapshot.rows_of(np.array([hashed]))[0]) == moving.to_model_rows(np.array([row]))[0]


def test_other_parts_leave_rows_matched(view: View) -> None:
    """A view with other pieces or rules is the same beside; the one before keeps what it had."""
    other = view.having(pieces="pieces", rules="rules")
    assert (other.pieces, other.rules, other.segments, other.policy) == ("pieces", "rules", None, None)
    assert (other.catalogue, other.snapshot, view.pieces) == (view.catalogue, view.snapshot, None)
    again = other.having(snapshot=None)
    assert (again.pieces, again.snapshot, again.version) == ("pieces", None, None)


def test_compiled_rows_are_popular_alike(snapshot: Snapshot, tmp_path: Path) -> None:
    """Compiled and put one by one, the same ids are in the same order."""
    views = [
        View(catalogue, snapshot)
        for catalogue in (overlaid(catalogue_items()), compiled(catalogue_items(), tmp_path / "v"))
    ]
    ids = [[view.catalogue.item(row).id for row in view.by_popularity().tolist()] for view in views]
    assert ids[0] == ids[1]
    assert [item_hash(name) for name in ids[0]] == views[0].catalogue.column("hash")[views[0].by_popularity()].tolist()
