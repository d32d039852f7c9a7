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


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\x9b", "\r", "\x7f", "\u202e", "\u2066"])
def test_what_a_terminal_obeys_is_told_as_it_is_written(
    out: io.StringIO, capsys: pytest.CaptureFixture[str], sign: str
) -> None:
    """A sign of a file by which a terminal would change what it shows is printed as its number, wherever it stands."""
    text = f"a{sign}]0;b"
    show.say(text)
    show.complain(text)
    show.table(text, (text,), [(text,)])
    show.result(text)
    show.as_json({"name": text})
    told = out.getvalue() + capsys.readouterr().out
    assert sign not in told
    assert told.count(f"\\u{ord(sign):04x}]0;b") + told.count("\\r]0;b") == 7


def test_words_lines_and_tabs_are_told_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Letters of any script, tabs and new lines of a result are not touched."""
    show.result("Größe\t日本\néàß \u200b")
    assert capsys.readouterr().out == "Größe\t日本\néàß \u200b\n"
