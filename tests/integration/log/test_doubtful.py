"""Ids that look like nobody's are named, and nobody else."""

from etappe.log import as_rows, doubtful
from etappe.log.doubtful import DOZENS, Doubtful


def _found(*events: dict[str, str]) -> list[Doubtful]:
    names = ("user_id", "anonymous_id", "properties")
    rows = as_rows("event", {name: [event.get(name) for event in events] for name in names})
    return doubtful.ids(rows.lazy())


def test_words_for_nobody() -> None:
    """Words and numbers that may stand for nobody are told by kind, most events first, whatever their case."""
    found = _found({"user_id": "Guest"}, {"user_id": "guests"}, {"anonymous_id": "0"}, {"anonymous_id": "0"})
    assert found == [Doubtful("anonymous_id", "0", 2), Doubtful("user_id", "Guest", 1)]
    assert "values.also_nobody" in found[0].told()


def test_dozens_of_browsers_or_addresses() -> None:
    """A user with two dozen browsers or addresses is nobody's name; one with fewer is a customer."""
    browsers = [{"user_id": "till", "anonymous_id": f"a{at}"} for at in range(DOZENS)]
    few = [{"user_id": "ada", "anonymous_id": f"b{at}"} for at in range(DOZENS - 1)]
    mails = [
        {"user_id": "shop", "properties": f'{{"identities": {{"email_sha256": "{at:064x}"}}}}'} for at in range(DOZENS)
    ]
    found = _found(*browsers, *few, *mails, {"user_id": "till"})
    assert found == [
        Doubtful("user_id", "till", DOZENS + 1, browsers=DOZENS), Doubtful("user_id", "shop", DOZENS, emails=DOZENS),
    ]  # fmt: skip
    assert f"{DOZENS} browsers" in found[0].told()


def test_nobody() -> None:
    """An empty log has none."""
    assert _found() == []
