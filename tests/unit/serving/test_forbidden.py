"""Nothing forbidden is shown, on no path, and lists are as long as what is left allows: checked by a naive shop keeper."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.serving.planted import NOW, Done, Model, ask, overlaid, purchases, state

from etappe.catalog.item import Item
from etappe.ids import item_hash
from etappe.serving import lists
from etappe.serving.answering.answer import Answer
from etappe.serving.viewing.view import View
from etappe.settings import Settings, Showing

IDS = [f"{kind}-{number}" for kind in ("coffee", "tea", "garden") for number in range(6)]
"""The snapshot knows these; the catalogue has some of them, and others."""
NEW = [f"new-{number}" for number in range(5)]
GROUPS = ["g1", "g2", "g3"]
CATEGORIES = ["home", "home/light", "homer", "garden/tools", "garden"]


@dataclass(frozen=True)
class Case:
    """A shop, a customer and a question."""

    items: list[Item]
    done: list[Done] | None
    showing: Showing
    days: float
    context: dict[str, Any]
    placements: list[dict[str, Any]]

    @property
    def now(self) -> datetime:
        """When the question is asked."""
        return NOW + timedelta(days=self.days)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    ids = draw(st.lists(st.sampled_from(IDS + NEW), unique=True, max_size=16))
    category_of = {group: draw(st.sampled_from(CATEGORIES)) for group in GROUPS}
    items = [_item(draw, one, category_of) for one in ids]
    some_id = st.sampled_from([*ids, *ids, "unheard-of", "coffee-0", "tea-0"])
    done = st.tuples(st.sampled_from(["view_item", "purchase", "purchase", "ignore", "add_to_cart"]), some_id, _days())
    placements = [
        {
            "name": f"p{number}",
            "limit": draw(st.sampled_from([1, 3, 12, 100])),
            "exclude": draw(st.lists(some_id, max_size=2)),
            "max_per_category": draw(st.none() | st.integers(1, 3)),
            "filter": draw(st.sampled_from([*[{}] * 5, *({"category": path} for path in CATEGORIES)])),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    context = {"item": draw(st.none() | some_id), "cart": draw(st.lists(some_id, max_size=2))}
    return Case(
        items=items,
        done=draw(st.none() | st.lists(done, min_size=2, max_size=8)),
        showing=Showing(
            floor_days=draw(st.sampled_from([0, 14, 30])),
            again_share=draw(st.sampled_from([0.0, 0.0, 0.1, 1.0])),
            bought_once=tuple(draw(st.lists(st.sampled_from(CATEGORIES), max_size=1))),
        ),
        days=draw(st.sampled_from([0.0, 0.0, 0.5, 40.0])),
        context=context,
        placements=placements,
    )


def _days() -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.001, 1.0, 13.99, 14.0, 20.0, 29.0, 60.0])


def _item(draw: st.DrawFn, item_id: str, category_of: dict[str, str]) -> Item:
    group = draw(st.none() | st.sampled_from(GROUPS))
    moments = st.sampled_from([*[None] * 8, *(NOW + timedelta(days=days) for days in (-1, 0, 0.25, 30, 50))])
    return Item(
        id=item_id,
        category=category_of[group] if group else draw(st.sampled_from(CATEGORIES)),
        item_group_id=group,
        available=draw(st.sampled_from([True, True, True, False])),
        available_from=draw(moments),
        available_until=draw(moments),
        floor_days=draw(st.sampled_from([None, None, 0, 10, 25, 41])),
    )


class Keeper:
    """Says of each item whether this customer may see it now, by the words of the contract alone."""

    def __init__(self, case: Case, *, trained: bool) -> None:
        self.case = case
        self.trained = trained
        self.items = {item.id: item for item in case.items}
        done = case.done or []
        self.ignored = {self.group(item) for event, item, _ in done if event == "ignore"}
        bought = [(self.items[item], days) for event, item, days in done if event == "purchase" and item in self.items]
        self.just_bought = {
            self.group(item.id) for item, days in bought if self._in_floor(item, days) or self._for_good(item)
        }
        self.closed = {
            path for path in case.showing.bought_once for item, _ in bought if _below(item.category or "", path)
        }
        self.here = {self.group(item) for item in (*case.context["cart"], case.context["item"]) if item}

    def _in_floor(self, item: Item, days: float) -> bool:
        """Ever: the latest purchase of an item is the one that counts, and any purchase in the floor is in it."""
        floor = self.case.showing.floor_days if item.floor_days is None else item.floor_days
        return days + self.case.days < floor

    def _for_good(self, item: Item) -> bool:
        """Nothing says that people buy it again: neither the item nor, in the log, its buyers."""
        orders: dict[str, set[str]] = {}
        for who, bought, order, _ in purchases() if self.trained else []:
            if bought == item.id:
                orders.setdefault(who, set()).add(order)
        repeats = sum(len(one) > 1 for one in orders.values())
        return item.floor_days is None and repeats / (len(orders) + 1) < self.case.showing.again_share

    def group(self, item_id: str) -> str:
        """What fills one place together."""
        item = self.items.get(item_id)
        return f"group {item.item_group_id}" if item and item.item_group_id else item_id

    def allows(self, item: Item, placement: dict[str, Any]) -> bool:
        """Whether the item may stand in the placement."""
        now = self.case.now
        return (
            item.available
            and (item.available_from is None or item.available_from <= now)
            and (item.available_until is None or now < item.available_until)
            and self.group(item.id) not in self.ignored | self.just_bought | self.here
            and not any(_below(item.category or "", path) for path in self.closed)
            and item.id not in placement["exclude"]
            and _below(item.category or "", placement["filter"].get("category", item.category or ""))
        )

    def most(self, placement: dict[str, Any], without: set[str]) -> int:
        """How many places the catalogue can fill, at the limit or below, of groups that are not `without`."""
        groups = {self.group(item.id): item.category for item in self.case.items if self.allows(item, placement)}
        per_category: dict[str | None, int] = {}
        for group, category in groups.items():
            if group not in without:
                per_category[category] = per_category.get(category, 0) + 1
        cap = placement["max_per_category"] or len(groups)
        return min(placement["limit"], sum(min(number, cap) for number in per_category.values()))


def _below(category: str, path: str) -> bool:
    return category == path or category.startswith(f"{path}/")


def _check(case: Case, answer: Answer, *, trained: bool) -> None:
    keeper = Keeper(case, trained=trained)
    before: set[str] = set()
    for placement in case.placements:
        items = answer.placements[placement["name"]].items or []
        groups = [keeper.group(item.id) for item in items]
        assert [item.id for item in items if not keeper.allows(keeper.items[item.id], placement)] == []
        assert len(groups) == len(set(groups))
        categories = [item.category for item in items]
        cap = placement["max_per_category"] or len(items)
        assert [one for one in set(categories) if categories.count(one) > cap] == []
        assert keeper.most(placement, set()) == len(items)
        fresh = len([group for group in groups if group not in before])
        assert keeper.most(placement, before) == fresh
        before |= set(groups)


_PROPERTY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_PROPERTY
@given(case=_cases(), trained=st.booleans())
def test_only_what_is_allowed_and_as_much_of_it_as_there_is(model: Model, case: Case, trained: bool) -> None:
    """Over random shops, histories and requests: nothing forbidden, variants once, caps held, lists full, repeats last."""
    view = View(overlaid(case.items), model.snapshot if trained else None)
    customer = state(case.done) if case.done is not None else None
    made = ask(
        view,
        customer,
        settings=Settings(showing=case.showing),
        days=case.days,
        context=case.context,
        placements=case.placements,
    )
    _check(case, made.answer, trained=trained)


def _ids(listed: lists.ItemList) -> set[str]:
    return {item.id for item in listed.items}


def _is_bought(view: View, item: str) -> bool:
    row = int(view.model_rows(np.array([item_hash(item)], np.uint64))[0])
    return row >= 0 and view.snapshot is not None and bool(view.snapshot.popularity[row] > 0)


@_PROPERTY
@given(case=_cases(), kind=st.sampled_from(lists.KINDS), limit=st.integers(1, 12))
def test_lists_for_everyone_show_only_what_is_open(model: Model, case: Case, kind: str, limit: int) -> None:
    """Related and popular lists obey availability and variants; popular is filled, related never names its own item.

    Of what nobody bought it is not said that it is popular.
    """
    nobody = Case(case.items, None, case.showing, case.days, {"item": None, "cart": []}, case.placements)
    keeper, placement = (
        Keeper(nobody, trained=True),
        {"exclude": [], "filter": {}, "limit": limit, "max_per_category": None},
    )
    view, chosen = View(overlaid(case.items), model.snapshot), Settings(showing=case.showing)
    found = [lists.popular(view, None, None, limit, None, chosen, case.now.timestamp())]
    assert keeper.most(placement, set()) == len(found[0].items)
    unsold = {item.id for item in case.items if not _is_bought(view, item.id)}
    assert {item.id for item in found[0].items if item.reason.kind == "assortment"} == unsold & _ids(found[0])
    for item in case.items:
        related = lists.related(view, item.id, kind, limit, None, chosen, case.now.timestamp())
        assert keeper.group(item.id) not in [keeper.group(one.id) for one in related.items]
        found.append(related)
    for one in found:
        groups = [keeper.group(item.id) for item in one.items]
        assert len(groups) == len(set(groups)) <= limit
        assert all(keeper.allows(keeper.items[item.id], placement) for item in one.items)
