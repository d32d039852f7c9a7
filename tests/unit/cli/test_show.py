"""What people read on a terminal."""

import io

import pytest
from rich.console import Console

from etappe.cli import progress, show


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to stdout and stderr."""
    text = io.StringIO()
    for name in ("OUT", "ERR"):
        monkeypatch.setattr(show, name, Console(file=text, highlight=False, soft_wrap=True, width=160))
    return text


def test_complaint_is_one_line_as_it_is(out: io.StringIO) -> None:
    """Long messages are not broken, and brackets in them are no markup."""
    message = "rejected/[red]file[/red].jsonl: " + "word " * 80
    show.complain(message)
    assert out.getvalue() == f"etappe: {message}\n"


def test_table_of_numbers_and_words(out: io.StringIO) -> None:
    """Numbers get thousands separators and stand to the right, nothing is cut, markup is not read."""
    show.table("", ("what", "count"), [("rows [in] the file", 1_234_567), ("share", 0.5), ("none", None)])
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert any(line.endswith("1,234,567") and line.startswith("rows [in] the file") for line in lines)
    assert any(line.endswith("0.5000") for line in lines)


def test_result_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A result goes to stdout with nothing around it."""
    show.result("sk_[abc]")
    assert capsys.readouterr() == ("sk_[abc]\n", "")


def test_progress_off_a_terminal_is_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step says once that it began and then every two seconds how far it is, not a line for every call."""
    text, clock = io.StringIO(), iter([10.0 + 0.05 * call for call in range(101)])
    plain = Console(file=text, highlight=False, soft_wrap=True)
    monkeypatch.setattr(show, "ERR", plain)
    monkeypatch.setattr(progress, "ERR", plain)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.shown() as shown:
        for done in range(100):
            shown("reading rows", done, 100)
        shown("writing", 0)
    lines = [f"reading rows {done} of 100 ..." for done in (0, 40, 80)]
    assert [*lines, "writing ..."] == text.getvalue().splitlines()
