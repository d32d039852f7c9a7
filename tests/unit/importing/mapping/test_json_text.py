"""Objects of JSON out of columns."""

import json

import polars as pl

from etappe.importing.mapping import json_text


def test_members_are_those_that_say_something() -> None:
    """Empty cells are left out, text is escaped, numbers and words stand as they are; nothing at all is null."""
    columns = {
        "a": (pl.Series(['x "y"\n', None, None]), "text"),
        'n"': (pl.Series(["1.50", "2", None]), "number"),
        "b": (pl.Series(["true", None, None]), "yes_no"),
    }
    inside = json_text.members(columns)
    texts = pl.select(json_text.whole(inside, json_text.nested("in", inside))).to_series().to_list()
    first = {"a": 'x "y"\n', 'n"': 1.5, "b": True}
    assert json.loads(texts[0]) == first | {"in": first}
    assert json.loads(texts[1]) == {'n"': 2, "in": {'n"': 2}}
    assert texts[2] is None
