"""Weighted draws, and streams of random numbers that do not disturb each other."""

import numpy as np
import pytest

from etappe.simulation.chance import Wheels, stream


@pytest.fixture
def wheels() -> Wheels:
    """Two wheels of two and three places, and one of none."""
    return Wheels(np.array([1.0, 3.0, 0.0, 2.0, 2.0]), np.array([0, 2, 5, 5]))


def test_wheels_draw_by_weight_inside_each_group(wheels: Wheels) -> None:
    """Shares of a hundred thousand draws are those of the weights, and no draw leaves its group."""
    uniform = stream(1, "test").random(100_000)
    first, second = (wheels.spin(np.full(100_000, group), uniform) for group in (0, 1))
    assert np.bincount(first, minlength=5) / 1e5 == pytest.approx([0.25, 0.75, 0, 0, 0], abs=0.01)
    assert np.bincount(second, minlength=5) / 1e5 == pytest.approx([0, 0, 0, 0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_the_ends_of_a_wheel_belong_to_it(wheels: Wheels, uniform: float) -> None:
    """The least and the greatest random number there are draw a place of the wheel, and never one without weight."""
    drawn = wheels.spin(np.array([0, 1]), np.full(2, uniform))
    assert drawn.tolist() == ([0, 3] if uniform == 0 else [1, 4])


def test_means_are_those_of_the_draws(wheels: Wheels) -> None:
    """(1 x 10 + 3 x 20) / 4 and (2 x 40 + 2 x 50) / 4; an empty wheel has no mean."""
    means = wheels.means(np.array([10.0, 20.0, 30.0, 40.0, 50.0]))
    assert means[:2].tolist() == [17.5, 45.0]
    assert np.isnan(means[2])


def test_rows_make_a_wheel_each() -> None:
    """Place p of row r is drawn as r times the places, plus p."""
    wheels = Wheels.of_rows(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert wheels.spin(np.array([0, 1, 0]), np.array([0.1, 0.5, 0.9])).tolist() == [1, 2, 1]
    assert wheels.groups == 2


def test_streams_are_their_own() -> None:
    """A stream is the same for the same seed and name, and another one for any other."""
    draw = stream(1, "people").random()
    assert stream(1, "people").random() == draw
    assert stream(1, "goods").random() != draw
    assert stream(2, "people").random() != draw
