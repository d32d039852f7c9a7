"""Worlds are frozen: figures measured against one of them stay comparable for ever."""

import json
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from tests.unit.simulation.frozen import DIGITS, FILE, digest, digests

from etappe.simulation import parameters
from etappe.simulation.parameters import Parameters

REMEDY = "a world is frozen: undo the change, or make worlds/{new}.toml (or a branch by version) and leave {old} alone"
Change = Callable[[Parameters], Parameters]


@pytest.mark.parametrize("version", parameters.versions())
def test_a_world_is_frozen(version: int) -> None:
    """File and truth of every version have the digests they had when it was released."""
    known = json.loads(FILE.read_text(encoding="utf-8"))
    assert str(version) in known, f"world {version} has no digests yet; see frozen.py for how to take them"
    now = digests(version)
    changed = {name for name in now | known[str(version)] if now.get(name) != known[str(version)].get(name)}
    assert not changed, f"{sorted(changed)} changed; " + REMEDY.format(new=max(parameters.versions()) + 1, old=version)


def test_nothing_is_frozen_that_is_not_there() -> None:
    """Digests are kept of the versions there are, and of no others."""
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == {str(one) for one in parameters.versions()}


def _within(table: str, **fields: object) -> Change:
    def change(said: Parameters) -> Parameters:
        return msgspec.structs.replace(said, **{table: msgspec.structs.replace(getattr(said, table), **fields)})

    return change


def _other_effect(said: Parameters) -> Parameters:
    first = msgspec.structs.replace(said.touchpoints[0], effect=(0.0, 0.0, 0.0, 0.0, 0.0))
    return msgspec.structs.replace(said, touchpoints=(first, *said.touchpoints[1:]))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (_within("people", resolve_spread=0.36), {"people", "stays"}),
        (_within("people", taste_shape=0.81), {"tastes", "response", "shown"}),
        (_within("shelf", price_changes=0.3), {"shelf", "response"}),
        (_within("response", examine=0.36), {"response"}),
        (_within("response", fatigue=0.79), {"response"}),
        (_within("pieces", drift=0.41), {"response"}),
        (_other_effect, {"stays", "touches"}),
        (_within("visits", mood=0.8), {"visits"}),
        (_within("told", refunds=0.2), {"record"}),
        (_within("mishaps", duplicates=0.05), {"told"}),
    ],
)
def test_every_part_is_looked_at(change: Change, parts: set[str]) -> None:
    """A small change of one number shows in the digests of what it changes."""
    before, after = digests(1), digests(1, change(parameters.load(1)))
    assert parts <= {name for name in before if before[name] != after[name]}


def test_last_bits_do_not_count() -> None:
    """Floats that differ in their last bit have one digest, as have integers of any width; others have another."""
    floats = np.random.default_rng(1).normal(size=2000)
    assert digest([floats]) == digest([np.nextafter(floats, np.inf)])
    assert digest([floats]) != digest([floats * (1 + 10.0 ** (2 - DIGITS))])
    assert digest([np.array([1, 2], np.int8)]) == digest([np.array([1, 2])]) != digest([np.array([2, 1])])
    assert digest([np.array([1.0]), np.array([2.0])]) != digest([np.array([1.0, 2.0])])
