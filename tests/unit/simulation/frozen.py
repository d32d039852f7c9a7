"""Digests of what is true in a world, which must never change; and how to take them of a new world.

A new version N gets its digests by writing `worlds/N.toml` and then

    python -m tests.unit.simulation.frozen > frozen.json && mv frozen.json tests/unit/simulation/frozen.json

which takes those of all worlds anew: the diff must add lines, and change none.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.unit.simulation.sizes import END

from etappe.simulation import Size, parameters, story, world
from etappe.simulation.parameters import Parameters
from etappe.simulation.steps import Steps
from etappe.simulation.story import Story
from etappe.simulation.tables import Table

FILE: Final = Path(__file__).with_name("frozen.json")
DIGITS: Final = 6
"""Significant digits that count of a float: CPUs differ in the last of sixteen."""
_SECOND: Final = 1_000_000
_TIMES: Final = ("time", "stamp")


def digests(version: int, changed: Parameters | None = None) -> dict[str, str]:
    """A digest of each part of the truth of a small shop in this world, and of the world's file."""
    size = Size(customers=60, items=60, days=45, seed=1, end=END, world=version)
    made = world.make(size, changed)
    told = story.tell(made)
    parts = {
        "people": _table(made.people),
        "tastes": [made.tastes.share, *_table(made.tastes.life)],
        "goods": _table(made.goods),
        "shelf": [
            made.shelf.launch,
            *_steps(made.shelf.cents),
            *_steps(made.shelf.available),
            *_table(made.shelf.substitutes),
        ],
        "stays": _table(told.stays),
        "touches": _table(told.touches),
        "visits": _table(told.visits),
        "shown": _table(told.shown),
        "record": _table(told.record),
        "told": [*_table(told.told), told.clock_errors, *_table(told.devices)],
        "response": _chances(told),
    }
    found = {name: digest(arrays) for name, arrays in parts.items()}
    return {"file": hashlib.blake2b(parameters.source(version).encode(), digest_size=8).hexdigest()} | found


def digest(arrays: list[NDArray[Any]]) -> str:
    """One digest of all `arrays`, whatever the width of their integers and the last bits of their floats."""
    whole = hashlib.blake2b(digest_size=8)
    for array in arrays:
        flat = np.asarray(array).ravel()
        if flat.dtype.kind == "f":
            whole.update("".join(f"{value:.{DIGITS}g}," for value in (flat + 0.0).tolist()).encode())
        else:
            whole.update(flat.astype(np.int64).tobytes())
        whole.update(f"/{np.shape(array)}/".encode())
    return whole.hexdigest()


def _table(table: Table) -> list[NDArray[Any]]:
    """All columns; moments count by the second, as last bits of floats may shift them by a millisecond."""
    columns = {name: getattr(table, name) for name in table.__struct_fields__}
    return [column // _SECOND if name in _TIMES else column for name, column in columns.items()]


def _steps(steps: Steps[Any]) -> list[NDArray[Any]]:
    return [steps.owner, steps.day, steps.value]


def _chances(told: Story) -> list[NDArray[Any]]:
    """Chances of all responses of some people in every stage, on four days."""
    response, items, pieces = told.world.response, len(told.world.goods), len(told.world.response.topic)
    grid = np.meshgrid(np.arange(0, 60, 9), np.arange(5), np.arange(items), [0.5, 20.5, 40.5, 44.9], indexing="ij")
    person, stage, item, day = (axis.ravel() for axis in grid)
    piece, position, seen = item % pieces, item % 5, item % 3
    return [
        response.item_click(person, stage, item, day, position, seen),
        response.item_buy(person, stage, item, day),
        response.piece_click(person, stage, piece, day, seen),
        response.piece_buy(person, stage, piece),
        response.lift(stage, piece),
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps({str(one): digests(one) for one in parameters.versions()}, indent=2) + "\n")
