"""Documents: JSON that decodes to the item, and fragments cut from it that say what the item says."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.catalog import naive

from etappe.catalog.documents import cut, document_of
from etappe.catalog.fragments import Fragment
from etappe.catalog.item import Item, ItemPatch

TEXT = st.text(max_size=5) | st.sampled_from(['"', "\\", 'a"b\\', "Käse", "\U0001f600", "\n", "</script>"])
IDS = st.text(min_size=1, max_size=4) | st.sampled_from(['"', "\\", '","title":"x'])
LANGUAGES = st.sampled_from(["de", "de-CH", "en", "", '"', "fr"])
LINKS = st.none() | st.just("") | TEXT.map("/{}".format)
ITEMS = st.builds(
    Item,
    id=IDS,
    title=TEXT,
    titles=st.dictionaries(LANGUAGES, TEXT, max_size=3),
    category=st.none() | TEXT,
    brand=st.none() | TEXT,
    price=st.none() | st.floats(0, 1e12),
    prices=st.dictionaries(st.sampled_from(["EUR", "GBP"]), st.floats(0, 1e12)),
    currency=st.sampled_from([None, "EUR"]),
    url=LINKS,
    image=LINKS,
    lowest_30d=st.none() | st.floats(0, 1e12),
    available=st.booleans(),
    available_from=st.none() | st.datetimes(),
    floor_days=st.none() | st.integers(0, 3650),
    attributes=st.dictionaries(TEXT, st.none() | st.integers() | TEXT | st.lists(TEXT, max_size=2), max_size=2),
)
SHOWN = ("price", "currency", "category", "url", "image", "lowest_30d")
ASKED = st.lists(LANGUAGES, max_size=3).map(tuple)


def _plainly(item: Item, languages: tuple[str, ...]) -> Fragment:
    """The fragment of an item, written anew."""
    told: dict[str, Any] = {name: getattr(item, name) for name in SHOWN}
    rest = msgspec.json.encode({name: value for name, value in told.items() if value is not None})[1:-1]
    title = next((item.titles[language] for language in languages if language in item.titles), item.title or item.id)
    head = msgspec.json.encode({"id": item.id, "title": title})[1:-1]
    quoted = msgspec.json.encode(item.id)
    return Fragment(head, b"," + rest if rest else b"", msgspec.json.encode(title)[1:-1], quoted, item.id)


@given(ITEMS)
@settings(deadline=None)
def test_a_document_is_the_item(item: Item) -> None:
    """It decodes to the item, and is plain JSON."""
    document = document_of(item)
    assert item == document.item
    assert item.id == json.loads(document.data)["id"]


@given(ITEMS, ASKED)
@settings(max_examples=300, deadline=None)
def test_a_fragment_says_what_the_item_says(item: Item, languages: tuple[str, ...]) -> None:
    """Whatever stands in its texts, the fragment that is cut is the one that is written, byte for byte."""
    assert _plainly(item, languages) == cut(document_of(item), languages)


@given(st.lists(ITEMS, max_size=5), st.lists(ITEMS, max_size=3), ASKED)
@settings(max_examples=60, deadline=None)
def test_fragments_of_a_catalogue(before: list[Item], after: list[Item], languages: tuple[str, ...]) -> None:
    """Compiled, changed and new rows alike have the fragment of the item that they hold now."""
    catalogue = naive.compiled(naive.filled(map(ItemPatch.of, before)))
    for count in (0, len(after)):
        naive.filled(map(ItemPatch.of, after[:count]), catalogue)
        for row, item in enumerate(catalogue.items()):
            assert _plainly(item, languages) == catalogue.fragment(row, languages)
