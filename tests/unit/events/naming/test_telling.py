"""What tells a person wherever it stands, and what does not."""

import pytest

from etappe.events.identities import ANONYMOUS, EMAIL, PHONE, USER, Identity, hashed_email, hashed_phone
from etappe.events.naming import telling

MAIL = Identity(EMAIL, hashed_email("ada@example.com"))
NUMBER = Identity(PHONE, hashed_phone("+12025550123"))


@pytest.mark.parametrize(
    "value",
    ["vera-USER-7f3a9c", "123e4567-e89b-12d3-a456-426614174000", "4006381333931", "C00368-2024", "1234567.1732700000"],
)
def test_unique_ids_tell(value: str) -> None:
    """Long ids of letters and digits, UUIDs, card numbers and client ids are nothing else by accident."""
    assert telling.is_telling(value)


@pytest.mark.parametrize(
    "value",
    [
        "5",
        "true",
        "C00368",
        "iphone15pro",
        "anniversary",
        "customer-1",
        "20261127",
        "2026-11-27T10:00:00+00:00",
        "x1" * 200,
        "",
        "1732700000",
        "2026-11-27 10:00:00.000000",
    ],
)
def test_words_and_numbers_do_not(value: str) -> None:
    """Words, short codes, names with a digit or two, numbers and times may be anything."""
    assert not telling.is_telling(value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("ada@example.com", "ada@example.com"),
        ("<Ada@Example.COM>, please", "Ada@Example.COM"),
        ("mailto:ada@example.com?x", "ada@example.com"),
        ("Write to ada@example.com.", "ada@example.com"),
        ("/?to=ada%40example.com&x", "ada%40example.com"),
        ("'ada@example.com'", "ada@example.com"),
    ],
)
def test_addresses_are_found_in_texts(text: str, part: str) -> None:
    """An e-mail address is found as a whole, in any case and in URLs."""
    [found] = [token for token in telling.addresses(text) if MAIL in token.identities]
    assert text[found.start : found.end] == part


@pytest.mark.parametrize(
    "text", ["xada@example.com", "ada@example.com.au", "ada@example.community", "a.ada@example.com"]
)
def test_parts_of_other_addresses_are_not(text: str) -> None:
    """What another address only contains is not found."""
    assert not [token for token in telling.tokens(text) if MAIL in token.identities]


@pytest.mark.parametrize(
    "text", ["+1 202 555 0123", "call 001-202-555-0123 now", "(+1 (202) 555.0123)", "+12025550123 5 6"]
)
def test_numbers_are_found_in_texts(text: str) -> None:
    """An international number is found however it is written, and beside other numbers."""
    assert [token for token in telling.addresses(text) if NUMBER in token.identities]


@pytest.mark.parametrize("text", ["+120255501234", "2025550123", "9+12025550123", "12025550123", "+1 202 555 01234"])
def test_other_numbers_are_not(text: str) -> None:
    """Numbers that are longer, or not international, are others."""
    assert not [token for token in telling.addresses(text) if NUMBER in token.identities]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("of vera-USER-7f3a9c, and", True),
        ("/customers/vera-USER-7f3a9c/x", True),
        ("id:vera-USER-7f3a9c", True),
        ("vera-USER-7f3a9c.", True),
        ("vera-USER-7f3a9cd", False),
        ("r-vera-USER-7f3a9c-1", False),
        ("vera-USER-7f3a9c.2", False),
        ("vera-USER-7f3a9c@example.com", False),
    ],
)
def test_ids_are_found_as_whole_tokens(text: str, found: bool) -> None:
    """An id is found between characters that are of no id, and not inside another id."""
    named = {identity for token in telling.tokens(text) for identity in token.identities}
    assert (Identity(ANONYMOUS, "vera-USER-7f3a9c") in named) == found


def test_whole_texts_hashes_and_other_kinds() -> None:
    """An id of odd characters is found where it is all of a text, a hash as what it is of, and kinds of other systems."""
    assert Identity(USER, "auth0/12345=abc") in next(iter(telling.tokens("auth0/12345=abc"))).identities
    named = {
        identity
        for token in telling.tokens(f"x {MAIL.value.upper()}", ["external:crm"])
        for identity in token.identities
    }
    assert {MAIL, Identity("external:crm", MAIL.value.upper())} <= named


@pytest.mark.parametrize(
    "text", ["a'" * 100_000 + "@", "+1" * 100_000, "0" * 200_000, "a@" * 100_000, "%40" * 60_000, "+1 " * 60_000]
)
def test_no_text_takes_long(text: str) -> None:
    """Texts that are made to be searched for long are searched in time that grows with their length."""
    assert len(list(telling.tokens(text))) <= len(text)
