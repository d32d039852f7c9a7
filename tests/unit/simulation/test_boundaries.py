"""The simulation shares no rule with what is judged by it."""

import ast
from pathlib import Path

from etappe import simulation

PACKAGE = Path(simulation.__file__).parent
SHARED = {"ids", "errors", "progress", "catalog.item", "events.vocabulary"}
"""What of Etappe it may use: no stage rule, no segment, no model."""


def _imported() -> dict[str, list[str]]:
    """Each module of Etappe that the package imports, and by which files."""
    found: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "etappe" else []
                names += [node.module or ""] if node.module != "etappe" else []
            for name in names:
                if name.split(".")[0] == "etappe" and not name.startswith("etappe.simulation"):
                    found.setdefault(name.removeprefix("etappe").removeprefix("."), []).append(path.name)
    return found


def test_it_shares_no_code_with_stages_and_segments() -> None:
    """Of Etappe it imports ids, errors, progress, the catalogue's item and the events' vocabulary alone."""
    imported = _imported()
    assert {name: files for name, files in imported.items() if name not in SHARED} == {}
    assert {"catalog.item", "events.vocabulary"} <= set(imported)
