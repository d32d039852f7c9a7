"""What holds of the files themselves: no machine and no index in them, the layers complete, the hooks as `make lint`."""

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).relative_to(Path(__file__).parents[3])
LOCKS = ("constraints.txt", "constraints-dev.txt")
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|anaconda\.org|crates\.io|docker\.io|ghcr\.io|quay\.io|gcr\.io"
    r"|\bartifactory\b|\bdevpi\b"
)
MACHINE = re.compile(r"(?<![\w./-])/(?:work|tmp|root|home/\w+)(?![\w-])")


def test_no_registry_is_named(texts: dict[Path, str]) -> None:
    """Where packages and images come from is the machine's business: no file names a registry's host."""
    assert _found(texts, REGISTRIES) == []


def test_no_path_of_a_machine_is_named(texts: dict[Path, str]) -> None:
    """No file speaks of a folder that only one machine has."""
    assert _found(texts, MACHINE) == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_names_no_index_and_hashes_everything(root: Path, name: str) -> None:
    """A lock file has one version and at least one SHA-256 for each package, and says of no index or address."""
    text = (root / name).read_text()
    assert re.findall(r"--(?:extra-)?index-url|--find-links|https?://", text) == []
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert entries
    assert [one.splitlines()[0] for one in entries if "==" not in one or "--hash=sha256:" not in one] == []


def test_both_lock_files_agree(root: Path) -> None:
    """A package in both lock files has the same version in both."""
    runtime, dev = (
        dict(re.findall(r"^([\w.-]+(?:\[[\w,.-]+\])?)==(\S+)", (root / name).read_text(), re.MULTILINE))
        for name in LOCKS
    )
    assert runtime == {name: dev.get(name) for name in runtime}


def test_hooks_are_the_commands_of_make_lint(root: Path) -> None:
    """pre-commit runs what `make lint` runs, in the same order, and fetches nothing."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (root / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    commands = [line.strip().replace("@$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    repos = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    assert [hook["entry"] for hook in repos[0]["hooks"]] == commands
    assert {hook["language"] for hook in repos[0]["hooks"]} == {"system"}


def test_layers_name_every_package(root: Path) -> None:
    """The layers are those of the packages there are, and exhaustive, so that a new one has to be given its place."""
    layers = _contracts(root)["importlinter:contract:layers"]
    assert layers["exhaustive"] == "True"
    assert sorted(re.findall(r"\w+", layers["layers"])) == sorted(_packages(root))


def test_only_training_may_know_implicit(root: Path) -> None:
    """The contract about implicit forbids it to every package but one."""
    forbidden = _contracts(root)["importlinter:contract:implicit"]
    named = re.findall(r"etappe\.(\w+)", forbidden["source_modules"])
    assert sorted(named) == sorted(set(_packages(root)) - {"training"})


def test_contracts_on_the_hot_path_name_all_below_it(root: Path) -> None:
    """Serving and every package of a lower layer may know neither framework nor Redis; nor, training and log apart, polars."""
    contracts = _contracts(root)
    layers = [
        re.findall(r"\w+", line) for line in contracts["importlinter:contract:layers"]["layers"].splitlines() if line
    ]
    serving = next(place for place, names in enumerate(layers) if "serving" in names)
    below = {name for names in layers[serving + 1 :] for name in names} | {"serving"}
    for name, free in (("hot-path", {"training"}), ("polars", {"training", "log"})):
        named = set(re.findall(r"etappe\.(\w+)", contracts[f"importlinter:contract:{name}"]["source_modules"]))
        assert named - free == below - free


def test_licence_is_the_one_that_is_declared(root: Path) -> None:
    """LICENSE is the text of Apache-2.0, which pyproject.toml declares."""
    assert (root / "LICENSE").read_text().split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert 'license = "Apache-2.0"' in (root / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", [".ci/run", ".ci/install"])
def test_shell_scripts_can_be_parsed(root: Path, name: str) -> None:
    """The shell finds no fault in the scripts before running them."""
    done = subprocess.run(["bash", "-n", name], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _found(texts: dict[Path, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}: {found[0]}"
        for path, text in texts.items()
        if path != HERE and path.name not in LOCKS
        for found in pattern.finditer(text)
    ]


def _contracts(root: Path) -> ConfigParser:
    parser = ConfigParser()
    parser.read(root / ".importlinter")
    return parser


def _packages(root: Path) -> list[str]:
    package = root / "src" / "etappe"
    modules = [path.stem for path in package.glob("*.py") if path.stem != "__init__"]
    return modules + [path.parent.name for path in package.glob("*/__init__.py")]
