"""What the documentation says is what the code does."""

import ast
import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from cyclopts import App
from litestar.handlers import HTTPRouteHandler

import etappe
from etappe import settings
from etappe.api import metrics
from etappe.api.routes import handlers
from etappe.cli.main import app
from etappe.events.intake import read_batch, read_event
from etappe.importing.formats.registry import FORMATS
from etappe.serving.request import DecideRequest, check
from etappe.settings import Settings, environment

AGAIN = "the code has changed: run `.venv/bin/python docs/generate.py`, and read the difference"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERYWHERE = ("--data", "--redis")
POSITIONAL = ("--file", "--version", "--name")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`([.\w-]*[\w-](?:/[\w.-]*)+|\w+\.(?:py|md|toml))`")
TYPE = re.compile(r":\w+")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["events.md", "http.md", "models.md", "settings.md"])
def test_generated_tables_are_up_to_date(generate: ModuleType, root: Path, name: str) -> None:
    """The generated parts of a page are what its generator writes now."""
    path = root / "docs" / name
    assert generate.pages()[path] == path.read_text(), AGAIN


def test_settings_page_has_every_setting_and_a_file_that_loads(root: Path, tmp_path: Path) -> None:
    """The example of the settings page, taken as a file, is the default settings."""
    blocks = dict(BLOCK.findall((root / "docs" / "settings.md").read_text()))
    (tmp_path / settings.FILE_NAME).write_text(blocks["toml"])
    assert settings.load(tmp_path) == Settings()


def test_every_environment_variable_is_documented(root: Path) -> None:
    """The settings page names each variable that is read from the environment, and no other module reads any."""
    page = (root / "docs" / "settings.md").read_text()
    names = {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(environment)))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z]+(_[A-Z]+)+", node.value)
    }
    assert "ETAPPE_DATA" in names
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_every_route_is_documented(root: Path) -> None:
    """The page on HTTP names each route with its method, and no route that does not exist."""
    page = (root / "docs" / "http.md").read_text().partition("## Not there yet")[0]
    told = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`\s?]*)`", page)) - {"GET /schema"}
    assert told == set(_routes())


def test_every_command_and_option_is_documented(root: Path) -> None:
    """The page on commands names each command, and each option it has beside --data and --redis."""
    page = (root / "docs" / "cli.md").read_text()
    missing = [
        f"{' '.join(words)} {option}"
        for words, options in _commands(app, ("etappe",))
        for option in ["", *options]
        if not re.search(rf"^\| `{' '.join(words)}\b.*{re.escape(option)}", page, re.MULTILINE)
    ]
    assert missing == []


def test_every_metric_is_documented(root: Path) -> None:
    """The page on operations names each metric."""
    page = (root / "docs" / "operations.md").read_text()
    names = {sample.name for family in metrics._REGISTRY.collect() for sample in family.samples} | {
        family.name for family in metrics._REGISTRY.collect() if family.type == "counter"
    }
    assert names
    known = set(re.findall(r"`(etappe_\w+)", page))
    assert {name for name in names if not _told(name, known)} == set()


def test_json_of_the_documentation_is_json(texts: dict[Path, str]) -> None:
    """Each block of JSON in the documentation can be read, its ellipses left out."""
    blocks = [
        text
        for path, page in texts.items()
        if path.suffix == ".md"
        for kind, text in BLOCK.findall(page)
        if kind == "json"
    ]
    assert blocks
    for text in blocks:
        json.loads(re.sub(r",\s*\.\.\.", "", text))


def test_documented_requests_are_taken(root: Path) -> None:
    """The request for a decision in the page on HTTP, and the batch in the page on events, are what they claim to be."""
    blocks = [text for kind, text in BLOCK.findall((root / "docs" / "http.md").read_text()) if kind == "json"]
    request = next(text for text in blocks if '"placements": [' in text)
    check(msgspec.json.decode(request, type=DecideRequest))
    touches, sending = (root / "docs" / "events.md").read_text().split("## Sending them")
    (touch,) = (text for _, text in BLOCK.findall(touches))
    assert read_event(touch.encode(), NOW).event.channel == "web"
    sent, answer = [text for _, text in BLOCK.findall(sending)][:2]
    accepted, rejected, _ = read_batch(sent.encode(), NOW)
    told = json.loads(answer)
    assert len(accepted) == told["accepted"]
    assert [json.loads(msgspec.json.encode(one)) for one in rejected] == told["rejected"]


def test_links_lead_somewhere(texts: dict[Path, str], root: Path) -> None:
    """Each relative link of the documentation names a file that is there, and a heading that the file has."""
    broken = [
        f"{path}: {link}"
        for path, text in texts.items()
        if path.suffix == ".md"
        for link in LINK.findall(text)
        if "://" not in link and not _leads(root, path, link)
    ]
    assert broken == []


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_files_that_a_map_names_are_there(root: Path, page: str) -> None:
    """Each file or folder that the page names by its path is there, in the package or from the root."""
    named = {path for path in NAMED.findall((root / page).read_text()) if "NAME" not in path}
    assert len(named) > 30
    assert {path for path in named if not any((base / path).exists() for base in (root, root / "src/etappe"))} == set()


def test_every_import_format_is_documented(root: Path) -> None:
    """The page on importing has a heading for each format, and the command's help names it."""
    page, command = ((root / path).read_text() for path in ("docs/importing.md", "src/etappe/cli/bringing/files.py"))
    told = {heading.lower() for heading in HEADING.findall(page)}
    assert {name for name in FORMATS if name not in told or name not in command} == set()


def test_changelog_has_this_version(root: Path) -> None:
    """The newest version of the changelog is the package's, and pyproject's."""
    newest = re.search(r"^## \[([\d.]+)\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == etappe.__version__
    assert f'version = "{etappe.__version__}"' in (root / "pyproject.toml").read_text()


def _routes() -> list[str]:
    routes = [handler for handler in handlers.HANDLERS if isinstance(handler, HTTPRouteHandler)]
    assert len(routes) == len(handlers.HANDLERS)
    return [
        f"{method} {TYPE.sub('', path)}"
        for handler in routes
        for path in handler.paths
        for method in handler.http_methods
        if method not in ("HEAD", "OPTIONS")
    ]


def _commands(group: App, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Each command in words, with the options that are its own."""
    found = []
    for name in (name for name in group if not name.startswith("-")):
        command, inside = group[name], (*words, name)
        if any(not one.startswith("-") for one in command):
            found += _commands(command, inside)
        else:
            names = [argument.name for argument in command.assemble_argument_collection()]
            found.append((inside, [one for one in names if one not in ("*", *EVERYWHERE, *POSITIONAL)]))
    return found


def _told(name: str, known: set[str]) -> bool:
    """A family is documented by its own name or by the one that its samples have."""
    base = re.sub(r"_(total|created|bucket|count|sum)$", "", name)
    return bool({name, base, f"{base}_total"} & known)


def _leads(root: Path, path: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (root / path).parent / file if file else root / path
    if not target.exists():
        return False
    return not anchor or anchor in [_slug(heading) for heading in HEADING.findall(target.read_text())]


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
