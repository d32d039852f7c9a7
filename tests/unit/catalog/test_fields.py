"""Coded fields: what changed rows have, and that codes nobody uses any more are gone."""

import numpy as np
from tests.unit.catalog import naive

from etappe.catalog.fields import Changed, value_of
from etappe.catalog.item import Item, ItemPatch


def test_a_code_that_no_row_has_is_gone() -> None:
    """Values that come and go, as stock and times of change do, leave nothing behind; those still there stay."""
    changed = Changed(10)
    changed.put(1, Item(id="i", brand="Alma", attributes={"stock": -1, "tags": ["a", "a"]}))
    empty = len(vars(changed)["_values"])
    for stock in range(500):
        changed.put(0, Item(id="j", brand="Alma", attributes={"stock": stock, "tags": ["a", stock]}))
    changed.put(0, Item(id="j"))
    for name in ("_values", "_uses", "_known"):
        assert len(vars(changed)[name]) in (empty, empty - 1)
    assert len(vars(changed)["_by_key"]) == empty - 1
    codes = changed.codes("brand", np.array([0, 1]))
    assert (codes[0], changed.value(codes[1])) == (0, value_of("Alma"))


def test_rows_are_found_by_value() -> None:
    """A value leads to the rows that have it in this field, a list by each of its elements."""
    changed = Changed(1)
    for row, (brand, tags) in enumerate([("x", ["a"]), ("y", ["a", "x"]), ("x", None)]):
        changed.put(row, Item(id=f"i{row}", brand=brand, attributes={"tags": tags}))
    codes = changed.codes_with(value_of("x").keys)
    assert changed.rows_with("brand", codes).tolist() == [0, 2]
    assert changed.rows_with("attributes.tags", codes).tolist() == [1]
    assert changed.codes_where("brand", lambda value: value.value == "none") == set()


def test_prices_by_currency_are_fields() -> None:
    """Each currency's price is a column, compiled and changed alike."""
    patches = [ItemPatch(id=f"i{n}", prices={"GBP": float(n)} if n % 3 else {}) for n in range(9)]
    for catalogue in (naive.filled(patches), naive.compiled(naive.filled(patches))):
        rows = np.arange(9)
        has = catalogue.codes("prices.GBP", rows) != 0
        assert [bool(item.prices) for item in catalogue.items()] == has.tolist()
