"""JSON in every arrangement that other systems write."""

import json
from pathlib import Path
from typing import Any

import pytest

from etappe.errors import InputError
from etappe.importing.reading import json_lines
from etappe.importing.reading.source import Source

ROWS = [{"id": "1", "title": "Ä"}, {"id": "2", "title": "[,]}"}]


def _read(path: Path, data: str | bytes, own: tuple[str, ...] | None = ("id",)) -> tuple[list[int], list[Any], list]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    parts = list(json_lines.read(Source(path), dict[str, Any], own))
    lines = [line for part in parts for line in part.lines]
    return lines, [value for part in parts for value in part.values], [one for part in parts for one in part.broken]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.json"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("\n".join(map(json.dumps, ROWS)), [1, 2]),
        (json.dumps(ROWS), [1, 1]),
        (json.dumps(ROWS, indent=2), [2, 6]),
        ("[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n", [2, 3]),
        ("\n".join(json.dumps(row, indent=1) for row in ROWS), [1, 5]),
        (json.dumps({"took": 3, "hits": ROWS}), [1, 1]),
        (json.dumps({"status": {"code": 0}, "response": {"found": 2, "docs": ROWS}}, indent=1), [8, 12]),
        (json.dumps(ROWS[:1]) + "\n" + json.dumps(ROWS[1:]), [1, 2]),
        ("\ufeff" + json.dumps(ROWS), [1, 1]),
        (json.dumps(ROWS, ensure_ascii=False).encode("utf-16"), [1, 1]),
    ],
    ids=["lines", "array", "pretty", "array by lines", "pretty objects", "wrapped", "deep", "arrays", "mark", "utf-16"],
)
def test_arrangements(file: Path, text: str | bytes, lines: list[int]) -> None:
    """The same objects come out, each with the line on which it begins, however they are arranged."""
    assert _read(file, text) == (lines, ROWS, [])


def test_a_row_with_a_list_is_a_row(file: Path) -> None:
    """An object that has a key of a row is one, whatever lists it holds; without such keys to know, every object is."""
    row = {"id": "1", "variants": [{"id": "2"}]}
    assert _read(file, json.dumps(row, indent=1))[1] == [row]
    wrapped = {"batch": [{"type": "track"}]}
    assert _read(file, json.dumps(wrapped), None)[1] == [wrapped]


def test_a_bad_line_is_broken_alone(file: Path) -> None:
    """Of objects a line each a damaged one is broken, be it the first; in an array one that is no object."""
    assert [(one.line, one.reason) for one in _read(file, '{"id": }\n{"id": "2"}\n')[2]] == [
        (1, "line: not a JSON object")
    ]
    lines, values, broken = _read(file, '[{"id": "1"},\n 7,\n {"id": "2"}]')
    assert (lines, len(values), [(one.line, one.text) for one in broken]) == ([1, 3], 2, [(2, "7")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"id": "1"},\n{"id": ', "line 2: the file ends inside an object; it is cut off"),
        ('[{"id": "1"},\n', "line 2: the file ends inside a list; it is cut off"),
        ('[\n{"id": "1"},\n{"id" "2"}, {"id": "3"}, {"id": "4"}]', "line 3: it is no JSON"),
        ('{"a": [{"id": "1"}],\n"b": [{"id": "2"}]}', 'line 2: a second list, "b"'),
    ],
)
def test_damage(file: Path, text: str, said: str) -> None:
    """An array that is cut off or malformed is refused with the line, as what follows cannot be known."""
    with pytest.raises(InputError, match=said):
        _read(file, text)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_objects_across_pieces(file: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Objects and numbers that lie across the pieces in which a file is read are whole."""
    monkeypatch.setattr("etappe.importing.reading.text.texts.BLOCK", size)
    many = [{"id": str(n), "title": "ü" * n} for n in range(20)]
    assert _read(file, json.dumps(many, indent=1, ensure_ascii=False))[1] == many
    wrapped = {"meta": {"n": [1, 2]}, "took": 1234567890, "items": many, "left": 12345678901234567890}
    assert _read(file, json.dumps(wrapped))[1] == many
