"""Headers against what a format takes."""

from pathlib import Path

import pytest

from etappe.errors import InputError
from etappe.importing.reading import sources
from etappe.importing.reading.source import Source

COLUMNS = sources.Columns(required=("event", "timestamp"), optional=("user_id", "price"), also={"Client": "user_id"})
CLOSED = sources.Columns(required=COLUMNS.required, optional=COLUMNS.optional, closed=True)


def _read(path: Path, text: str, columns: sources.Columns = COLUMNS) -> list[dict]:
    path.write_text(text)
    return [row for batch in sources.tabular(Source(path), columns) for row in batch.rows.to_dicts()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize(
    "header", ["Event,TIMESTAMP,User_ID", '"event", time_stamp ,User ID', "event,timestamp,client"]
)
def test_spellings(file: Path, header: str) -> None:
    """Case, blanks, quotes, hyphens and underscores in a header are no matter."""
    assert _read(file, header + "\nx,y,z\n") == [{"line": 2, "event": "x", "timestamp": "y", "user_id": "z"}]


def test_all_obstacles_at_once(file: Path) -> None:
    """One error tells what is missing, unknown, doubled, ambiguous and nameless."""
    with pytest.raises(InputError) as caught:
        _read(file, "user_id,User ID,sku,sku,\n1,2,3,4,5\n", CLOSED)
    said = str(caught.value)
    for part in (
        "the header names 'sku' more than once",
        "column 'event', 'timestamp' are missing",
        "'sku' is unknown",
        "two columns mean the same, user_id: 'user_id', 'User ID'",
    ):
        assert part in said
    with pytest.raises(InputError, match=r"'event' is missing.*column 2 has no name, but '5' in line 2"):
        _read(file, "timestamp,,price\n1,5,3\n")


def test_an_unknown_separator(file: Path) -> None:
    """Where columns are missing as the separator is none that is known, the error says how to tell it."""
    with pytest.raises(InputError, match=r"no comma, semicolon, tab or pipe.*sep="):
        _read(file, "event^timestamp\nx^y\n")
    assert _read(file, "sep=^\nevent^timestamp\nx^y\n")[0]["event"] == "x"
