"""Patterns in words."""

from typing import Annotated, Any

import msgspec
import pytest

from etappe.api.routes import lists as routes
from etappe.catalog.item import ItemPatch
from etappe.events.vocabulary import Purchase
from etappe.serving import lists
from etappe.values.wording import plain


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (ItemPatch, {"id": "a", "url": "ftp://x"}, "no link that begins with http://, https:// or /"),
        (ItemPatch, {"id": "a", "currency": "?"}, "no currency of three letters, such as EUR"),
        (Purchase, {"currency": "eu1"}, "no currency of three letters, such as EUR"),
        (Purchase, {"currency": 7}, "Expected `str | null`, got `int`"),
    ],
)
def test_patterns_are_told_in_words(kind: Any, value: dict[str, Any], words: str) -> None:
    """Of links and currencies it is said what they are; other messages stay as they are."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(value, kind)
    assert plain(str(error.value).partition(" - at ")[0]) == words


def test_names_are_listed() -> None:
    """Of a window that is none those there are."""
    pattern = next(one.pattern for one in routes.Window.__metadata__)
    kind = msgspec.defstruct("Query", [("window", Annotated[str, msgspec.Meta(pattern=pattern)])])
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({"window": "3d"}, kind)
    assert plain(str(error.value).partition(" - at ")[0]) == f"none of {', '.join(lists.WINDOWS)}"
