"""What parts declare is what opening a snapshot enforces, rule by rule; the cases are made from the declarations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.models import made

from etappe.errors import DataError
from etappe.models import parts
from etappe.models.parts import Array, Part, Rule
from etappe.models.snapshot import PARTS, Snapshot

Damage = Callable[[NDArray[Any]], list[NDArray[Any]]]


def _with(values: NDArray[Any], place: tuple[int, ...], value: float) -> NDArray[Any]:
    damaged = values.copy()
    damaged[place] = value
    return damaged


def _everywhere(value: float) -> Damage:
    """The value in the first place, and in the last."""
    return lambda values: [_with(values, (at,) * values.ndim, value) for at in (0, -1)]


def _of(*damages: Damage) -> Damage:
    return lambda values: [damaged for damage in damages for damaged in damage(values)]


DAMAGES: dict[Rule, Damage] = {
    parts.FINITE: _of(*(_everywhere(value) for value in (np.nan, np.inf, -np.inf))),
    parts.NOT_NEGATIVE: _everywhere(-1),
    parts.ASCENDING: lambda values: [values[::-1].copy(), _with(values, (-1,), values[-2])],
    parts.ROWS_OF_ITEMS: _of(_everywhere(-2), _everywhere(made.N), _everywhere(2**31 - 1)),
    parts.PADDED: lambda values: [_with(values, (0, 0), -1), _with(values, (-1, -1), 0)],
    parts.BEST_FIRST: lambda values: [_with(values, (0, -1), 9.0), _with(values, (-1, -1), 0.5)],
}
ARRAYS = [(part, array) for part in PARTS for array in part.arrays]
RULES = [(part, array, rule) for part, array in ARRAYS for rule in array.rules]


def _refusal(folder: Path, part: Part, array: Array, values: NDArray[Any]) -> str:
    """What opening says to a snapshot with `values` in the place of that array."""
    content = made.content()
    content[part.name][array.name] = values
    made.saved(folder, content)
    with pytest.raises(DataError) as refused:
        Snapshot.open(folder)
    return str(refused.value)


@pytest.mark.parametrize(
    ("part", "array", "rule"), RULES, ids=[f"{array.name}: {rule.told}" for _, array, rule in RULES]
)
def test_a_declared_rule_holds(tmp_path: Path, part: Part, array: Array, rule: Rule) -> None:
    """Whatever breaks a rule that an array declares is refused, and the message names the array and a rule of it."""
    sound = made.content()[part.name][array.name]
    for number, damaged in enumerate(DAMAGES[rule](sound)):
        assert not rule.holds(damaged, {"items": made.N})
        told = _refusal(tmp_path / f"v{number}", part, array, damaged)
        assert f"{array.name} must be " in told
        assert "run `etappe train`" in told


@pytest.mark.parametrize(("part", "array"), ARRAYS, ids=[array.name for _, array in ARRAYS])
def test_shape_and_dtype_are_those_declared(tmp_path: Path, part: Part, array: Array) -> None:
    """A vouched-for array of another dtype, length or number of dimensions is refused before anything reads it."""
    sound = made.content()[part.name][array.name]
    other = np.float64 if sound.dtype.kind == "f" else np.int16
    assert f"{array.name} has dtype" in _refusal(tmp_path / "dtype", part, array, sound.astype(other))
    assert f"{array.name} has shape" in _refusal(tmp_path / "flat", part, array, sound[None])
    if array.name != "items":
        assert " has shape" in _refusal(tmp_path / "short", part, array, sound[:-1])
        assert " has shape" in _refusal(tmp_path / "long", part, array, np.concatenate([sound, sound[:1]]))


@pytest.mark.parametrize(("part", "array"), ARRAYS, ids=[array.name for _, array in ARRAYS])
def test_a_part_is_there_whole(tmp_path: Path, part: Part, array: Array) -> None:
    """A part that lacks one of its arrays is no absent part: it is refused, and the array is named."""
    content = made.content()
    del content[part.name][array.name]
    made.saved(tmp_path / "v1", content)
    with pytest.raises(DataError, match="items" if array.name == "items" else f"{array.name} of the part"):
        Snapshot.open(tmp_path / "v1")


def test_names_are_declared_once() -> None:
    """No two parts have a name in common, nor two arrays: a snapshot's folder has one file for each."""
    assert len({part.name for part in PARTS}) == len(PARTS)
    assert len({array.name for _, array in ARRAYS}) == len(ARRAYS)


def test_rules_look_at_all_blocks() -> None:
    """Rules that read an array in blocks see what is wrong at its very end, and at the edges of blocks."""
    for rule, sound, wrong in ((parts.PADDED, [3, -1], [-1, 3]), (parts.BEST_FIRST, [2, 1], [1, 2])):
        values = np.tile(np.array(sound, np.int32), (2 * 65_536 + 3, 1))
        assert rule.holds(values, {})
        for row in (0, 65_535, 65_536, len(values) - 1):
            damaged = values.copy()
            damaged[row] = wrong
            assert not rule.holds(damaged, {}), row


def test_rules_hold_of_nothing() -> None:
    """An array without values breaks no rule."""
    for rule in DAMAGES:
        for shape in ((0,), (0, 3), (3, 0)):
            if len(shape) > 1 or rule not in (parts.PADDED, parts.BEST_FIRST):
                assert rule.holds(np.zeros(shape, np.float32), {"items": 0}), (rule.told, shape)
