"""The command line: each command checks, calls, and shows."""

from etappe.cli.main import main

__all__ = ["main"]
