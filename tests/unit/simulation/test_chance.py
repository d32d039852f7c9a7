"""Weighted draws and the tables they fill."""

import numpy as np
import pytest

from etappe.simulation.chance import Wheels, stream
from etappe.simulation.goods import apportion
from etappe.simulation.tables import firsts, ranks


def test_wheels_draw_by_weight_inside_each_group() -> None:
    """Shares of a hundred thousand draws are those of the weights, and no draw leaves its group."""
    wheels = Wheels(np.array([1.0, 3.0, 0.0, 2.0, 2.0]), np.array([0, 2, 5]))
    uniform = stream(1, "test").random(100_000)
    first, second = (wheels.spin(np.full(100_000, group), uniform) for group in (0, 1))
    assert np.bincount(first, minlength=5) / 1e5 == pytest.approx([0.25, 0.75, 0, 0, 0], abs=0.01)
    assert np.bincount(second, minlength=5) / 1e5 == pytest.approx([0, 0, 0, 0.5, 0.5], abs=0.01)


def test_streams_are_their_own() -> None:
    """A stream is the same for the same seed and name, and another one for any other."""
    draw = stream(1, "people").random()
    assert stream(1, "people").random() == draw
    assert stream(1, "goods").random() != draw
    assert stream(2, "people").random() != draw


@pytest.mark.parametrize("total", [3, 4, 10, 1001])
def test_apportioned_parts_sum_up(total: int) -> None:
    """Parts sum to the total, none is empty, and larger shares never get less."""
    parts = apportion(total, np.array([1.0, 2.0, 5.0]))
    assert parts.sum() == total
    assert parts.min() >= 1
    assert parts.tolist() == sorted(parts.tolist())


def test_ranks_count_inside_groups() -> None:
    """Each row knows how many of its group stand before it; an empty table has no ranks."""
    groups = np.array([4, 4, 4, 7, 9, 9])
    assert ranks(groups).tolist() == [0, 1, 2, 0, 0, 1]
    assert firsts(groups).tolist() == [True, False, False, True, True, False]
    assert ranks(groups[:0]).tolist() == []
