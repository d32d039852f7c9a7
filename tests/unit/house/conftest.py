"""The checkout, and its scripts as modules."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
NOT_OURS = (".git", ".venv", "node_modules", "__pycache__", "htmlcov", "dist")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def texts() -> dict[Path, str]:
    """Every text file that belongs to the checkout, by its path in it."""
    found: dict[Path, str] = {}
    for path in ROOT.rglob("*"):
        place = path.relative_to(ROOT)
        if any(part in NOT_OURS or part.endswith(("_cache", "-data")) or part == ".hypothesis" for part in place.parts):
            continue
        if path.is_file() and not path.is_symlink() and path.name != ".coverage":
            try:
                found[place] = path.read_text()
            except UnicodeDecodeError:
                continue
    return found


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    """docs/generate.py."""
    return _loaded("docs_generate", ROOT / "docs" / "generate.py")


@pytest.fixture(scope="session")
def readme_runner() -> ModuleType:
    """.ci/readme."""
    return _loaded("ci_readme", ROOT / ".ci" / "readme")


def _loaded(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module
