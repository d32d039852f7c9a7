"""Conditions on cells."""

import polars as pl
import pytest

from etappe.importing.mapping import conditions
from etappe.importing.mapping.conditions import Condition

ROWS = pl.DataFrame({"code": ["C536", "536", None, "c9"], "pieces": ["-2", "3,5", None, "x"]})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"code": "C*"}, [True, False, False, True]),
        ({"code": ""}, [False, False, True, False]),
        ({"code": "*"}, [True, True, False, True]),
        ({"code": r"/^\d+$/"}, [False, True, False, False]),
        ({"code": ["536", "C9"]}, [False, True, False, True]),
        ({"pieces": "<0"}, [True, False, False, False]),
        ({"pieces": ">= 3.5"}, [False, True, False, False]),
        ({"code": "C*", "pieces": "<0"}, [True, False, False, False]),
    ],
)
def test_a_condition_holds_of_these_rows(when: dict[str, Condition], expected: list[bool]) -> None:
    """Patterns, comparisons, empty cells and lists; of several all must hold, of a list one."""
    assert ROWS.select(conditions.holds(when, {})).to_series().to_list() == expected
    assert ROWS.select(conditions.holds({}, when)).to_series().to_list() == (
        [not one for one in expected]
        if len(when) == 1
        else ROWS.select(conditions.holds({}, when)).to_series().to_list()
    )


def test_nothing_asked_holds_always() -> None:
    """A rule without conditions is for every row."""
    assert ROWS.with_columns(conditions.holds({}, {}).alias("all"))["all"].all()
