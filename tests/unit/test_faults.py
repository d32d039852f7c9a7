"""Points at which tests kill a process."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from etappe import faults
from etappe.errors import SettingsError

SOURCE = Path(__file__).parents[2] / "src" / "etappe"


def _named(path: Path) -> list[object]:
    """What `faults.point` is called with in a file; None where that is no literal."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        for node in calls
        if isinstance(node.func, ast.Attribute)
        and node.func.attr == "point"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "faults"
    ]


def test_points_are_those_of_the_source() -> None:
    """The list of points has every point of the source, each at one place, and no other."""
    found = [name for path in sorted(SOURCE.rglob("*.py")) for name in _named(path)]
    assert sorted(map(str, found)) == sorted(faults.POINTS)


def _passing(fault: str | None) -> "subprocess.CompletedProcess[str]":
    code = "from etappe import faults\nfor n in range(3):\n  faults.point('archive.before_read'); print(n, flush=True)"
    environment = dict(os.environ) | ({"ETAPPE_FAULT": fault} if fault else {})
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("fault", "printed", "code"),
    [
        (None, "0\n1\n2\n", 0),
        ("archive.before_read:1", "", -9),
        ("archive.before_read:3", "0\n1\n", -9),
        ("archive.before_read:4", "0\n1\n2\n", 0),
        ("archive.before_trim:1", "0\n1\n2\n", 0),
    ],
)
def test_kills_at_the_named_passing(fault: str | None, printed: str, code: int) -> None:
    """The process ends by SIGKILL when it comes to the named point for the given time, and not before."""
    done = _passing(fault)
    assert (done.stdout, done.returncode) == (printed, code)


@pytest.mark.parametrize("text", ["archive.before_read", "archive.before_read:0", "archive.before_read:x", "nowhere:1"])
def test_faults_that_name_nothing_are_refused(text: str) -> None:
    """A fault with a name or count that means nothing is told, so that no test passes for want of a fault."""
    with pytest.raises(SettingsError, match=r"ETAPPE_FAULT is .* it is NAME:COUNT"):
        faults._Fuse(text)
