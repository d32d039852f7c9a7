"""The table of commands, and what a command line loads."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
from cyclopts import App

from etappe.cli.commands import COMMANDS, Command

HEAVY = {"numpy", "numba", "polars", "scipy", "implicit", "redis", "litestar", "uvicorn", "uvloop", "prometheus_client"}
LOADED = """
import sys
sys.argv = ["etappe", *sys.argv[1:]]
from etappe.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("asked", ["--version", "--help"])
def test_nobody_waits_for_what_is_not_used(asked: str) -> None:
    """Version and help are told without loading any command or a library that works."""
    done = subprocess.run([sys.executable, "-c", LOADED, asked], capture_output=True, text=True, check=False)
    loaded = set(done.stderr.split())
    assert "etappe.cli.main" in loaded
    assert loaded & HEAVY == set()
    commands = {f"etappe.cli.{command.target.partition(':')[0]}" for command in COMMANDS}
    assert loaded & commands == set()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_of_the_table_is_that_of_the_command(command: Command) -> None:
    """What the table says of a command is what is written where the command is."""
    module, _, name = command.target.partition(":")
    found = getattr(import_module(f"etappe.cli.{module}"), name)
    assert command.help == (found.help if isinstance(found, App) else inspect.getdoc(found))
