"""Decisions and lists from a snapshot that lacks parts: whoever needs one does without."""

from pathlib import Path

import pytest
from tests.unit.models.made import strip
from tests.unit.serving.planted import NOW, SETTINGS, catalogue_items, moment, overlaid, state, trained

from etappe.models.snapshot import PARTS, Snapshot
from etappe.serving import lists
from etappe.serving.decide import decide
from etappe.serving.request import Context, DecideRequest, Placement
from etappe.serving.viewing.view import View

OPTIONAL = [part.name for part in PARTS if part.name != "items"]
ASKED = {
    "also_bought": ["cart", "factors"],
    "bought_together": ["session", "factors", "copurchase"],
    "factors": ["cart", "session", "copurchase"],
}
"""What is asked besides what is popular, where a part is absent; without any other, all four."""
EVERY = ["cart", "session", "factors", "copurchase"]


def _without(home: Path, absent: list[str]) -> View:
    """The planted shop under its snapshot, less some parts."""
    folder = home / trained(home).version
    strip(folder, absent)
    return View(overlaid(catalogue_items()), Snapshot.open(folder))


@pytest.mark.parametrize("absent", [*([name] for name in OPTIONAL), OPTIONAL], ids="+".join)
def test_decisions_are_made_without_a_part(tmp_path: Path, absent: list[str]) -> None:
    """Lists are filled to their limit, and of a source that needs what is absent nothing is asked."""
    view = _without(tmp_path, absent)
    request = DecideRequest(
        placements=[Placement(name="all", limit=15)],
        context=Context(item="coffee-1", cart=["tea-0"]),
        explain=True,
    )
    known = state([("purchase", "coffee-0", 30.0), ("view_item", "coffee-1", 0.01)])
    answer = decide(view, request, known, SETTINGS, moment()).answer()
    filled = answer.placements["all"]
    assert len(filled.items or []) == 15
    asked = [source for source in EVERY if all(source in ASKED.get(name, EVERY) for name in absent)]
    assert filled.explanation is not None
    assert filled.explanation.sources == [*asked, "category", "popularity"]
    shown = {item.source for item in filled.items or []}
    assert shown <= {"popular", *(["factors"] if "factors" in asked else []), *(["copurchase"] if asked else [])}
    assert decide(view, request, None, SETTINGS, moment()).answer().placements["all"].items


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("also_bought", "also_bought"),
        ("bought_together", "bought_together"),
        ("wishlist_bought", "wishlists"),
    ],
)
def test_a_list_of_an_absent_part_is_empty(tmp_path: Path, kind: str, part: str) -> None:
    """What goes with an item is nothing where the part that knows it is absent."""
    view = _without(tmp_path, [part])
    assert lists.related(view, "coffee-1", kind, 5, None, SETTINGS, NOW.timestamp()).items == []


def test_without_factors_what_is_similar_is_of_the_category(tmp_path: Path) -> None:
    """Items are like others by what the catalogue says of them, where nothing was learned of them."""
    found = lists.related(_without(tmp_path, ["factors"]), "coffee-1", "similar", 5, None, SETTINGS, NOW.timestamp())
    assert {item.id for item in found.items} == {"coffee-3", "coffee-5"}


def test_what_is_popular_goes_by_customers(tmp_path: Path) -> None:
    """Without the part popularity the number of customers orders items, and there are no windows to ask for."""
    view = _without(tmp_path, ["popularity"])
    found, by_customers = (
        lists.popular(view, None, window, 18, None, SETTINGS, NOW.timestamp()) for window in (None, "customers")
    )
    assert [item.id for item in found.items] == [item.id for item in by_customers.items]
    assert found.items[0].reason.customers == max(view.snapshot.customers.tolist() if view.snapshot else [0])
    with pytest.raises(lists.InputError, match=r"there are decayed, customers$"):
        lists.popular(view, None, "7d", 5, None, SETTINGS, NOW.timestamp())
