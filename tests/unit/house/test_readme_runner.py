"""`.ci/readme`: which blocks of a README are run, and how."""

import os
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

README = """
```sh
not this
```
<!-- ci -->
```sh
echo one
echo two
```

<!-- ci: serve -->

```sh
serve
```
"""


def test_marked_blocks_are_found_in_order(readme_runner: ModuleType) -> None:
    """Only what stands under a marker counts, word for word."""
    blocks = readme_runner.blocks_of(README)
    assert [(block.text, block.serves) for block in blocks] == [("echo one\necho two\n", False), ("serve\n", True)]


@pytest.mark.parametrize(
    "text", ["", "<!-- ci -->\ntext\n", "<!-- ci: later -->\n```sh\nx\n```\n", "<!-- ci -->\n```json\n{}\n```\n"]
)
def test_markers_that_run_nothing_are_errors(readme_runner: ModuleType, text: str) -> None:
    """A README without a block to run, or a marker without a block, fails instead of passing unseen."""
    with pytest.raises(readme_runner.FailedError):
        readme_runner.blocks_of(text)


def test_marked_blocks_of_this_readme_can_be_read(readme_runner: ModuleType, root: Path) -> None:
    """The README has blocks to run, and no marker in it is misspelt."""
    assert readme_runner.blocks_of((root / "README.md").read_text())


def test_block_that_was_run_already_is_told_by_its_command(readme_runner: ModuleType) -> None:
    """A block is passed over only where it is nothing but the command, a comment apart."""
    texts = ["make test\n", "make test   # all of them\n", "make test\nmake lint\n", "make tests\n"]
    assert [readme_runner.only(readme_runner.Block(1, text, False), "make test") for text in texts] == [
        True,
        True,
        False,
        False,
    ]


def test_block_finds_no_setting_around_it(readme_runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs it do not reach a block; one that must end by itself is told so."""
    monkeypatch.setenv("ETAPPE_REDIS", "redis://elsewhere")
    once = readme_runner.environment(Path("checkout"), once=True)
    assert (once.get("ETAPPE_REDIS"), once["DEMO_ONCE"]) == (None, "1")
    assert once["PATH"].split(os.pathsep)[0] == str(Path("checkout/.venv/bin"))
    assert "DEMO_ONCE" not in readme_runner.environment(Path("checkout"), once=False)


def test_copy_installs_nothing_into_what_it_shares(readme_runner: ModuleType, tmp_path: Path) -> None:
    """The copy sees the checkout's packages, and marks of its own by which make takes them for installed."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / ".installed").write_text("old")
    readme_runner.share_venv(tmp_path / "venv", tmp_path / "copy")
    assert (tmp_path / "copy" / "bin").resolve() == tmp_path / "venv" / "bin"
    assert [(tmp_path / "copy" / mark).read_text() for mark in readme_runner.MARKS] == ["", ""]
    assert (tmp_path / "venv" / ".installed").read_text() == "old"


def test_failing_command_fails_the_block(readme_runner: ModuleType, tmp_path: Path) -> None:
    """A block ends with its first failing command, and the message names its line."""
    block = readme_runner.Block(7, "true\nfalse | true\ntouch reached\n", False)
    with pytest.raises(readme_runner.FailedError, match="line 7 ended with exit code 1"):
        readme_runner.run(block, tmp_path)
    assert not (tmp_path / "reached").exists()


def test_stopping_ends_all_of_a_block(readme_runner: ModuleType, tmp_path: Path) -> None:
    """What a block started goes with it."""
    block = readme_runner.Block(1, f"{sys.executable} -c 'import time; time.sleep(60)' & echo $! > pid; wait\n", True)
    process = readme_runner.started(block, tmp_path)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    readme_runner.stop(process)
    assert not readme_runner.alive(process)
