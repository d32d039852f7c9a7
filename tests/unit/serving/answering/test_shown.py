"""Items as they are shown: byte for byte what they are in plain words."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.answering import in_words
from tests.unit.serving.planted import KINDS, NOW, Model, catalogue_items, overlaid, state

from etappe.catalog.item import Item, ItemPatch
from etappe.customers.state import State
from etappe.models.snapshot import Snapshot
from etappe.serving.answering import numbers
from etappe.serving.answering.answer import decoded_items
from etappe.serving.answering.reasons import patterns_of
from etappe.serving.answering.shown import shown
from etappe.serving.ranking import Picks
from etappe.serving.request import Context
from etappe.serving.situation import Situation, situation
from etappe.serving.sources.cart import CART
from etappe.serving.sources.category import CATEGORY
from etappe.serving.sources.copurchase import COPURCHASE
from etappe.serving.sources.factors import FACTORS
from etappe.serving.sources.popular import POPULAR
from etappe.serving.sources.session import SESSION
from etappe.serving.viewing.view import View

SOURCES = (CART, SESSION, FACTORS, COPURCHASE, CATEGORY, POPULAR)
UNSOLD = "tea-1"
ODD = {
    "coffee-0": Item(id="coffee-0", title='"50 %" {name} \\ %d é\u2028'),
    "coffee-1": Item(id="coffee-1", title="", titles={"de": ""}),
    "tea-0": Item(id="tea-0", category="a{of}", price=1.5, url="/%s"),
}
DONE = st.lists(
    st.tuples(
        st.sampled_from(("purchase", "view_item", "add_to_cart", "add_to_wishlist")),
        st.sampled_from([f"{kind}-{number}" for kind in KINDS for number in range(6)]),
        st.floats(0.001, 90.0),
    ),
    max_size=8,
)


def _items() -> list[Item]:
    """The planted items but one, others with odd texts, and one that the snapshot does not know."""
    return [*(ODD.get(item.id, item) for item in catalogue_items() if item.id != UNSOLD), Item(id='new"%(of)d')]


def _here(snapshot: Snapshot | None, who: State | None) -> Situation:
    return situation(View(overlaid(_items()), snapshot), who, Context(item="tea-0"), NOW.timestamp(), 1800.0)


def _picks(here: Situation, draw: Any) -> Picks:
    """Any items with any other item as the reason, from any source: also what no source would give."""
    known = 0 if here.view.snapshot is None else len(here.view.snapshot.items)
    count = draw(st.integers(0, 12))

    def drawn(least: int, most: int, kind: Any = np.int64) -> Any:
        return np.array(draw(st.lists(st.integers(least, most), min_size=count, max_size=count)), kind)

    scores = draw(st.lists(st.floats(0, 1, width=32), min_size=count, max_size=count))
    because = drawn(-1, known - 1)
    rows = drawn(0, len(here.view.catalogue) - 1)
    own = drawn(0, 3) == 0
    because[own] = here.view.to_model_rows(rows[own])
    return Picks(SOURCES, rows, np.array(scores, np.float32), because, drawn(8, 12), drawn(0, 5, np.uint8))


@settings(deadline=None, max_examples=150)
@given(draw=st.data(), done=DONE, languages=st.sampled_from([(), ("de",), ("fr", "de")]), with_model=st.booleans())
def test_bytes_are_those_of_plain_words(
    model: Model, draw: Any, done: list[tuple[str, str, float]], languages: tuple[str, ...], with_model: bool
) -> None:
    """For any picks, customer, texts and language the JSON is that of the structs, and decodes to items."""
    here = _here(model.snapshot if with_model else None, state(done) if done else None)
    picks = _picks(here, draw.draw)
    made = shown(here, picks, languages)
    assert made.items == in_words.shown(here, picks, languages)
    told = decoded_items(made.items)
    assert [item.id for item in told] == made.ids
    assert [item.score for item in told] == made.scores


@given(st.lists(st.floats(0, 1, width=32), max_size=20))
@settings(deadline=None, max_examples=500)
def test_scores_are_rounded_as_python_rounds(scores: list[float]) -> None:
    """The compiled rounding gives what `round` gives, halves included."""
    halves = [(2 * place + 1) / 2**21 for place in range(20)]  # exactly between two of six decimals, where there is one
    both = np.array([*scores, *halves], np.float32)
    assert numbers.rounded(both) == [round(score, 6) for score in both.tolist()]


def test_what_changes_is_told_at_once(snapshot: Snapshot) -> None:
    """Reasons that are kept name an item as it is called by now."""
    view = View(overlaid(catalogue_items()), snapshot)
    here = situation(view, state([("view_item", "tea-0", 0.001)]), Context(), NOW.timestamp(), 1800.0)
    because = here.view.model_rows(np.array([here.interests[0]], np.uint64))
    rows = here.view.to_rows(np.arange(1))
    picks = Picks(SOURCES, rows, np.ones(1, np.float32), because, np.full(1, 20), np.ones(1, np.uint8))
    before = decoded_items(shown(here, picks, ()).items)[0].reason.text
    view.catalogue.apply(ItemPatch(id="tea-0", title="Renamed"))
    after = decoded_items(shown(here, picks, ()).items)[0].reason.text
    assert "Tea 0" in before
    assert after == before.replace("Tea 0", "Renamed")


@pytest.mark.parametrize("source", SOURCES)
def test_every_form_has_its_words(source: Any) -> None:
    """Each source has a pattern for each form that its items can have."""
    empty = [form for form, pattern in enumerate(patterns_of((source,))[0]) if not pattern]
    assert empty == ([] if source.words.pair else [numbers.BARE, numbers.COUNTED])
