"""Who waits for their erasure, by all that they are known by."""

import base64
import json
from typing import Any

import pytest

from etappe.events.identities import Identity, hashed_email, hashed_phone
from etappe.ids import Subject
from etappe.store.identities.erasure import Erasure
from etappe.worker.erasing.naming import Erased

SUBJECT = Subject(bytes(range(240, 256)))


def _erasure(receipt: str, *identities: tuple[str, str], subjects: tuple[Subject, ...] = ()) -> Erasure:
    named = [Identity(*identity) for identity in identities]
    return Erasure(receipt=receipt, since=1_000, due=2_000, subjects=list(subjects), identities=named)


def test_kinds_are_told_apart_and_addresses_are_one() -> None:
    """An id is of its kind alone; an address means the person under every kind of address, and as a user_id too."""
    erased = Erased(
        [_erasure("a", ("user_id", "5"), ("email_sha256", "f" * 64)), _erasure("b", ("user_id", "Eve@x.example"))]
    )
    told = [Identity("user_id", "5"), Identity("loyalty_card", "5"), Identity("order_email_sha256", "f" * 64)]
    told.append(Identity("email_sha256", hashed_email("eve@x.example")))
    assert [erased.whose(identity, None) for identity in told] == ["a", None, "a", "b"]


def test_numbers_as_user_ids_are_numbers() -> None:
    """A phone number that is a user_id is that number, however it is written."""
    erased = Erased([_erasure("a", ("user_id", "+1 202 555 0123"))])
    assert erased.whose(Identity("phone_sha256", hashed_phone("0012025550123")), None) == "a"


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("ada@example.com", True),
        ("eve@example.com", False),
        ("+1 202 555 0123", True),
        ("+1 202 555 0124", False),
        (r"a\u0064a@example.com", True),
        ("a card-2024-0815 b", True),
        ("5", False),
    ],
)
def test_a_quick_look_misses_nothing(text: str, may: bool) -> None:
    """A text that has something of theirs is never passed by; one without is, unless it has escapes."""
    told = [("email_sha256", hashed_email("ada@example.com")), ("phone_sha256", hashed_phone("+12025550123"))]
    erased = Erased([_erasure("a", ("user_id", "5"), ("loyalty_card", "card-2024-0815"), *told)])
    assert erased.may_tell(text) == may


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ({"subject": SUBJECT.hex()}, {"a"}),
        ({"base64": {"s": base64.b64encode(SUBJECT).decode()}}, {"a"}),
        ({"base64": {"r": base64.b64encode(b"\xff user-b-0815-x").decode()}}, {"b"}),
        ({"row": {"user_id": "5", "note": "user-b-0815-x"}}, {"a", "b"}),
        ({"row": {"quantity": "5"}}, set()),
    ],
)
def test_whom_a_line_names(line: Any, found: set[str]) -> None:
    """A line that nobody could read names all whose subjects, ids or unique ids it has, also in base64."""
    erased = Erased([_erasure("a", ("user_id", "5"), subjects=(SUBJECT,)), _erasure("b", ("user_id", "user-b-0815-x"))])
    assert erased.named_in(json.dumps(line).encode()) == found
    assert erased.named_in(b'{"cut": "user-b-0815-x \xff') == {"b"}
