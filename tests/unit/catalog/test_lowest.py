"""The lowest price of the 30 days before a reduction."""

from hypothesis import given
from hypothesis import strategies as st

from etappe.catalog.item import Item
from etappe.catalog.lowest import DAYS, priced

CHANGES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([5.0, 8.0, 9.0, 10.0])), max_size=12)


def _after(changes: list[tuple[int, float]], **fields: str) -> Item:
    item: Item | None = None
    for day, price in changes:
        told = Item(id="A", price=price, price_history=item.price_history if item else [], **fields)
        if item is not None:
            told = Item(id="A", price=price, lowest_30d=item.lowest_30d, price_history=item.price_history, **fields)
        item = priced(item, told, day)
    assert item is not None
    return item


def test_a_reduction() -> None:
    """Told from the reduction on, as long as the price stays; a rise ends it."""
    assert _after([(100, 10.0)]).lowest_30d is None
    assert _after([(100, 10.0), (140, 8.0)]).lowest_30d == 10.0
    assert _after([(100, 10.0), (140, 8.0), (170, 8.0)]).lowest_30d == 10.0
    assert _after([(100, 10.0), (140, 8.0), (150, 9.0)]).lowest_30d is None


def test_a_price_put_up_before_it_is_cut() -> None:
    """What was cheaper within the 30 days before is told; what was cheaper before them is not."""
    assert _after([(50, 8.0), (100, 10.0), (120, 9.0)]).lowest_30d == 8.0
    assert _after([(50, 8.0), (100, 10.0), (130, 9.0)]).lowest_30d == 10.0
    assert _after([(50, 8.0), (100, 10.0), (129, 9.0)]).lowest_30d == 8.0


def test_a_price_of_unknown_age_has_always_held() -> None:
    """The first change of an item that has no history yet is measured by the price that it had."""
    before = Item(id="A", price=10.0, currency="EUR")
    assert priced(before, Item(id="A", price=7.0, currency="EUR"), 100).lowest_30d == 10.0
    assert priced(before, Item(id="A", price=7.0, currency="GBP"), 100).lowest_30d is None


def test_no_price_has_no_history() -> None:
    """An item whose price is taken back begins anew."""
    gone = priced(_after([(100, 10.0)]), Item(id="A", price_history=[(100, 10.0)]), 101)
    assert (gone.price_history, gone.lowest_30d) == ([], None)


@given(CHANGES.filter(bool))
def test_as_all_prices_by_day_say(changes: list[tuple[int, float]]) -> None:
    """Whatever changes, the lowest is that of all prices in force in the 30 days before, and the history stays short."""
    changes = sorted(changes, key=lambda one: one[0])
    item = _after(changes)
    last = max((at for at in range(1, len(changes)) if changes[at][1] != changes[at - 1][1]), default=0)
    expected = None
    if last and changes[last][1] < changes[last - 1][1]:
        day, past = changes[last][0], changes[:last]
        first = max((at for at, (since, _) in enumerate(past) if since <= day - DAYS), default=0)
        expected = min(price for _, price in past[first:])
    assert item.lowest_30d == expected
    assert len(item.price_history) <= 2 * (DAYS + 2)
