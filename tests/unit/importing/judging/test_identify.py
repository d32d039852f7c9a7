"""Subjects, and the ids of events that came without one."""

from datetime import UTC, datetime

import polars as pl

from etappe.ids import subject_of
from etappe.importing.judging import identify
from etappe.log.schema import EVENT

SECRET = b"k" * 32
NAMES = [name for name in EVENT if name not in ("subject", "received", "source")]


def _rows(*changes: dict[str, object]) -> pl.DataFrame:
    base = {"event": "view_item", "time": datetime(2020, 1, 1, tzinfo=UTC), "user_id": "7", "price": 2.5}
    schema = {name: EVENT[name] for name in NAMES}
    return pl.DataFrame([dict.fromkeys(NAMES) | base | change for change in changes], schema=schema)


def _ids(rows: pl.DataFrame, scope: str = "native") -> list[str]:
    return identify.with_event_ids(identify.with_content_ids(rows, scope))["event_id"].to_list()


def test_subjects() -> None:
    """The subject is that of user_id, else of anonymous_id, else there is none."""
    rows = _rows({"user_id": "7", "anonymous_id": "a"}, {"user_id": None, "anonymous_id": "a"}, {"user_id": None}, {})
    seven, stranger = subject_of(SECRET, "user_id", "7"), subject_of(SECRET, "anonymous_id", "a")
    assert [seven, stranger, None, seven] == identify.with_subjects(rows, SECRET)["subject"].to_list()


def test_known_answer() -> None:
    """The id of a row's content is written down here: an id that changes would import every file a second time."""
    assert _ids(_rows({})) == ["04cd5c279e83a2b06056e5b1bce79d9e"]


def test_occurrences_are_numbered() -> None:
    """Rows that say the same have ids that tell which occurrence they are; others have ids of their own."""
    first, other, second, third = _ids(_rows({}, {"price": 3.0}, {}, {}))
    assert [f"{first}-1", f"{first}-2"] == [second, third]
    assert first != other


def test_every_field_counts() -> None:
    """A difference in any field makes another id."""
    time = datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)
    texts = ("user_id", "anonymous_id", "item_id", "currency", "order_id", "channel", "properties")
    others = [{"event": "purchase"}, {"time": time}, {"quantity": 2}, {"price": None}, {"claim": True}]
    ids = _ids(_rows({}, *others, *({name: "x"} for name in texts)))
    assert len(ids) == len({one.partition("-")[0] for one in ids})
    assert _ids(_rows({}), "native") != _ids(_rows({}), "rees46")


def test_given_ids_stay() -> None:
    """An id that the file gives is kept, beside rows that have none."""
    given, made = _ids(_rows({"event_id": "mine"}, {}))
    assert ("mine", _ids(_rows({}))[0]) == (given, made)
