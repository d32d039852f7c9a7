"""Ids are the same however they are written, and those of nobody are none."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etappe.values import ids
from etappe.values.unreadable import Unreadable


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" 602 ", "602"), ("\u00a0602\u3000", "602"), ("\ufeff602\u200b", "602"), (602, "602"), (17850.0, "17850"),
        ("17850.0", "17850"), ("-3.00", "-3"), ("12.50", "12.50"), ("007.0", "007.0"), ("cafe\u0301", "caf\u00e9"),
        ("a b", "a b"), ("0", "0"), ("10.20.30", "10.20.30"),
    ],
)  # fmt: skip
def test_one_spelling(written: object, meant: str) -> None:
    """Space around, a decomposed accent, and the point of a whole number are no part of an id."""
    assert ids.cleaned(written) == meant


@pytest.mark.parametrize(
    "written", ["undefined", "NULL", " None ", "NaN", "[object Object]", "\\N", "(not set)", "(None)", "", " ", None, float("nan")]
)  # fmt: skip
def test_nobody(written: object) -> None:
    """What programs write where they know none is no id, in any case and with space around it."""
    assert ids.cleaned(written) is None


def test_a_shops_own_nobody() -> None:
    """A list of a shop's own replaces the usual one, and blank is always nobody's."""
    own = ids.nobody_of((" Guest ", "0"))
    assert [ids.cleaned(one, own) for one in ("GUEST", "0.0", "", "undefined")] == [None, None, None, "undefined"]


@pytest.mark.parametrize(
    "written", ["a\x00b", "a\nb", "a\x85b", "a\u2028b", "\x1fa\x1b", True, 1.5, float("inf"), {}, [], 10**300]
)
def test_no_id(written: object) -> None:
    """Control characters are refused, and what is neither text nor a whole number."""
    with pytest.raises(Unreadable, match="no id"):
        ids.cleaned(written)


@given(st.text(max_size=12) | st.from_regex(r"[ -~]{1,9}(\.0+)?", fullmatch=True))
@example("a.0")
@example("1.0")
@example(" a")
@example("Null")
def test_the_fast_way_agrees(text: str) -> None:
    """What is clean at a glance is what the reader returns unchanged."""
    if ids.is_clean(text):
        assert ids.cleaned(text) == text


@given(st.lists(st.text(max_size=12) | st.from_regex(r"[ -~]{1,9}(\.0+)?", fullmatch=True), max_size=4))
def test_the_fast_way_of_all_agrees(texts: list[str]) -> None:
    """What is clean at one glance is clean each."""
    if ids.are_clean(texts):
        assert [ids.cleaned(text) for text in texts] == texts
    assert ids.are_clean(["u1", "p-2"])
    assert not ids.are_clean(["u1", "NULL"])


@given(st.text(max_size=12))
def test_read_again(text: str) -> None:
    """An id that was read once stays as it is."""
    try:
        once = ids.cleaned(text)
    except Unreadable:
        return
    assert once is None or ids.cleaned(once) == once
