"""Sources and reasons tell the truth: every number equals a naive count over the log."""

from collections.abc import Iterator

import pytest
from tests.unit.serving.planted import CUSTOMERS, KINDS, NOW, SETTINGS, ask, purchases, shown, state

from etappe.serving import lists
from etappe.serving.answering.answer import Reason, ShownItem
from etappe.serving.viewing.view import View

FEWEST = 10


def _buyers(item: str) -> set[str]:
    return {who for who, bought, *_ in purchases() if bought == item}


def _orders(item: str) -> set[str]:
    return {order for _, bought, order, _ in purchases() if bought == item}


EVERYONE = len({who for who, *_ in purchases()})


def _check(item: ShownItem) -> str:
    """Recounts what a reason says; returns what kind of number it told."""
    reason: Reason = item.reason
    numbers = (reason.customers, reason.orders, reason.of)
    if reason.with_ is None:
        assert reason.kind in ("popular", "popular_in_category", "taste", "similar", "again")
        expected = (len(_buyers(item.id)), None, EVERYONE)
    elif reason.kind == "bought_together":
        expected = (None, len(_orders(reason.with_) & _orders(item.id)), len(_orders(reason.with_)))
    else:
        expected = (len(_buyers(reason.with_) & _buyers(item.id)), None, len(_buyers(reason.with_)))
    count = expected[1] if expected[0] is None else expected[0]
    assert count is not None
    if numbers == (None, None, None):
        assert count < FEWEST or reason.kind == "again"
        assert not any(letter.isdigit() for letter in _without_title(reason))
        return "none"
    assert numbers == expected
    assert count >= FEWEST
    assert str(count) in reason.text
    assert str(reason.of) in reason.text
    return "told"


def _without_title(reason: Reason) -> str:
    """What a reason says beside the title of the item that it names."""
    kind, _, number = (reason.with_ or "").partition("-")
    return reason.text.replace(f"{kind.title()} {number}", "") if reason.with_ else reason.text


def _everything(view: View) -> Iterator[ShownItem]:
    """Items of every path: strangers, sessions, carts, known customers, lists."""
    histories = [[("purchase", f"{kind}-1", 50.0), ("view_item", f"{kind}-2", 0.001)] for kind in KINDS]
    for done in ([], *histories):
        for context in ({}, {"item": "tea-0"}, {"cart": ["coffee-0", "tea-1"]}):
            made = ask(view, state(done) if done else None, context=context, placements=[{"name": "p", "limit": 18}])
            yield from made.answer.placements["p"].items or []
    for kind in lists.KINDS:
        for item in (f"{kind}-{number}" for kind in KINDS for number in range(6)):
            yield from lists.related(view, item, kind, 20, None, SETTINGS, NOW.timestamp()).items
    yield from lists.popular(view, None, None, 20, None, SETTINGS, NOW.timestamp()).items


def test_numbers_equal_naive_counts(view: View) -> None:
    """On every path the customers or orders told are those of the log, of ten or more; fewer are not told."""
    kinds = [(item.reason.kind, _check(item)) for item in _everything(view)]
    assert {"also_bought", "bought_together", "popular", "taste", "similar"} <= {kind for kind, _ in kinds}
    assert {"told", "none"} == {told for _, told in kinds}


def test_stranger_is_shown_what_is_popular(view: View) -> None:
    """A stranger's list is by decayed purchases: the first items of every kind, in the order of their buyers."""
    made = ask(view, placements=[{"name": "p", "limit": 18}])
    assert {item.source for item in made.answer.placements["p"].items or []} == {"popular"}
    assert {name[-1] for name in shown(made)[:3]} == {"0"}
    buyers = [len(_buyers(name)) for name in shown(made)]
    assert buyers == sorted(buyers, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
def test_lover_of_a_kind_is_shown_that_kind(view: View, kind: str) -> None:
    """Whoever bought the first two items of a kind long ago is shown first what is left of the kind."""
    made = ask(view, state([("purchase", f"{kind}-0", 40.0), ("purchase", f"{kind}-1", 40.0)]))
    kinds = [name.split("-")[0] for name in shown(made)]
    assert kinds[:2] == [kind, kind]
    assert kinds[:4].count(kind) >= 3
    sources = {item.source for item in made.answer.placements["p"].items or []}
    assert sources == {"factors", "copurchase", "popular"}


def test_session_speaks_of_what_is_being_looked_at(view: View) -> None:
    """A view a minute ago brings what its buyers bought, and says so; yesterday's view starts no session."""
    just_now = ask(view, state([("view_item", "tea-1", 0.001)]))
    items = just_now.answer.placements["p"].items or []
    assert (items[0].source, items[0].reason.kind, items[0].reason.with_) == ("copurchase", "also_bought", "tea-1")
    explained = ask(view, state([("view_item", "tea-1", 1.0)]), explain=True).answer.placements["p"].explanation
    assert explained is not None
    assert explained.sources == ["factors", "copurchase", "category", "popularity"]


def test_cart_brings_what_goes_into_the_same_order(view: View) -> None:
    """With a cart, the first items are bought together with what is in it, as related lists say, and not in it."""
    items = ask(view, context={"cart": ["garden-0"]}).answer.placements["p"].items or []
    together = lists.related(view, "garden-0", "bought_together", 20, None, SETTINGS, NOW.timestamp()).items
    from_cart = [item for item in items if item.reason.kind == "bought_together"]
    assert (items[0].reason.kind, items[0].reason.with_) == ("bought_together", "garden-0")
    assert [item.id for item in from_cart] == [item.id for item in together[: len(from_cart)]]
    assert [item.reason.text for item in from_cart] == [item.reason.text for item in together[: len(from_cart)]]
    assert "garden-0" not in [item.id for item in items]


def test_scores_fall_within_a_source(view: View) -> None:
    """`score` is relative to the best candidate of the same source: 1 at most, and never rising down the list."""
    checked = set()
    for done in ([("purchase", "tea-0", 40.0)], [("view_item", "coffee-1", 0.001)], [("view_item", "tea-2", 9.0)]):
        placements = [{"name": "p", "limit": 18}]
        made = ask(view, state(done), placements=placements, explain=True)
        picks = made.decision.picks("p")
        for source in set(picks.source.tolist()):
            name, scores = picks.sources[source].name, picks.scores[picks.source == source].tolist()
            assert all(0 <= score <= 1 for score in scores)
            if name != "category":  # each category begins anew
                assert scores == sorted(scores, reverse=True)
                checked.add(name if len(scores) > 1 else None)
    assert {"session", "factors", "copurchase", "popularity"} <= checked


def test_planted_numbers_are_what_they_should_be() -> None:
    """The shop itself: of 40 of a kind all bought the first item, and four of another; 6 bought the last."""
    assert (len(_buyers("tea-0")), len(_buyers("tea-5"))) == (CUSTOMERS + 4, 6)
