"""What is taken out of what others said: the name, and nothing beside it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.events.identities import Identity, hashed_email
from etappe.events.naming import anywhere
from etappe.events.naming.sought import Search

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)
MAIL = Identity("email_sha256", hashed_email("ada@example.com"))
IDS = {
    MAIL,
    Identity("user_id", "5"),
    Identity("loyalty_card", "ADA-2024-0815"),
    Identity("external:crm", "crm-00817-x"),
}


class _Ada:
    """One person, known by IDS."""

    kinds: Sequence[str] = ("external:crm",)

    def whose(self, identity: Identity, moment: datetime | None) -> str | None:
        return "ada" if identity in IDS and (moment is None or moment <= UNTIL) else None

    def may_tell(self, text: str) -> bool:
        return bool(text)


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        ("rate", '{"rating": 5,"user_id":"5", "x":1.10}', '{"rating": 5,"user_id":"5", "x":1.10}'),
        ("share", '{"email":"Ada@example.com","size":44}', '{"size":44}'),
        ("share", '{"email":"Ada@example.com"}', None),
        (
            "identify",
            '{"identities":{"loyalty_card":"5","external:crm":"crm-00817-x"}}',
            '{"identities":{"loyalty_card":"5"}}',
        ),
        ("login", '{"claimed":{"user_id":"5"},"a":null}', '{"a":null}'),
        ("alias", '{"previous_id":"5"}', None),
        ("search", '{"previous_id": "5"}', '{"previous_id": "5"}'),
        ("search", '{"n": 1.10, "term": "of ADA-2024-0815"}', '{"n": 1.10, "term": "of [erased]"}'),
        ("view_item_list", '{"items": ["ADA-2024-0815"]}', '{"items": ["ADA-2024-0815"]}'),
        ("view_item_list", '{"items": ["ada@example.com"]}', '{"items": ["[erased]"]}'),
        ("set_traits", '{"ada@example.com": {"a": ["crm-00817-x"]}}', '{"[erased]": {"a": ["[erased]"]}}'),
        ("set_traits", r'{"a": "\u0061da@example.com\n", "b": "\u00e4"}', r'{"a": "[erased]\n", "b": "\u00e4"}'),
        (
            "set_traits",
            r'{"a": "{\"to\":\"ada@example.com\", \"n\": 1.10}"}',
            r'{"a": "{\"to\":\"[erased]\", \"n\": 1.10}"}',
        ),
        ("set_traits", "{}", "{}"),
    ],
)
def test_properties_lose_only_the_name(event: str, before: str, after: str | None) -> None:
    """Ids go where they stand, tokens of texts give way to a mark; all other bytes stay where only texts changed."""
    assert Search(_Ada(), UNTIL).properties(event, before) == after
    assert Search(_Ada(), LATER).properties(event, before) == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"userId":"6","properties":{"rating":5}, "p": 1.10}', '{"userId":"6","properties":{"rating":5}, "p": 1.10}'),
        ('{"userId":"6","context":{"traits":{"email":"ada@example.com","name":"Ada"}}}', None),
        ('{"p": 1.10, "page":{"url":"/?m=ada%40example.com&n=1"}}', '{"p": 1.10, "page":{"url":"/?m=[erased]&n=1"}}'),
    ],
)
def test_payloads(before: str, after: str | None) -> None:
    """A payload that names one of them as payloads do goes whole; of others only tokens go."""
    search = Search(_Ada(), UNTIL)
    assert search.payload(before) == after
    assert search.taken.total() == (after != before)


def test_payload_goes_with_the_id_of_its_event() -> None:
    """Where an event lost an id, its payload goes, and both are counted."""
    search = Search(_Ada(), UNTIL)
    assert search.has(Identity("user_id", "5"))
    assert search.payload("{}") is None
    assert search.taken == {("ada", "identities"): 1, ("ada", "payloads"): 1}


@given(st.recursive(st.none() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_what_names_nobody_stays(document: Any) -> None:
    """Any JSON that names nobody stays, byte for byte, and counts nothing."""
    text = msgspec.json.encode({"a": document}).decode()
    search = Search(_Ada(), UNTIL)
    assert (search.properties("search", text), search.payload(text), search.text(text)) == (text, text, text)
    assert not search.taken


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"user_id": "5"}, True),
        ({"CustomerID": "5"}, True),
        ({"payload": '{"userId": 5}'}, True),
        ({"event": "alias", "properties": '{"previous_id": "5"}'}, True),
        ({"kind": "user_id", "value": "5"}, True),
        ("cut off; ada@example.com;", True),
        ('{"user_id": "6", "x": "ADA-2024-0815', True),
        ({"quantity": "5", "properties": '{"rating": "5"}'}, False),
        ({"kind": "loyalty_card", "value": "5"}, False),
        ("5;view_item", False),
        (None, False),
        ([], False),
    ],
)
def test_rows_that_nobody_could_read(row: Any, named: bool) -> None:
    """A row names one of them where an id stands, at any depth, or by what tells them."""
    assert anywhere.is_named(Search(_Ada()), row) == named


@pytest.mark.parametrize(("end", "named"), [('"ada@example.com"', True), ("5", False)])
def test_rows_too_deep_to_be_walked(end: str, named: bool) -> None:
    """What is nested too deeply to be walked is searched as text."""
    row = msgspec.json.decode('{"a":' * 900 + end + "}" * 900)
    assert anywhere.is_named(Search(_Ada()), row) == named
