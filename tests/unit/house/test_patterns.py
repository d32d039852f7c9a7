"""No pattern takes a line end for the end of the text: Python's `$` stands before a last line end, too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from etappe.catalog.item import ItemPatch
from etappe.errors import InputError
from etappe.events import identities
from etappe.events.vocabulary import Purchase
from etappe.importing.catalogue.columns import cells
from etappe.values.money import Mark

_SAFE = "$(?!\\n)"


def _patterns(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Texts given to `re`, or to msgspec as `pattern`, and whether the length is bounded beside."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        of_re = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
        given = named.get("pattern") or (node.args[0] if of_re and node.args else None)
        for part in ast.walk(given) if given else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
                text = part.value if isinstance(part.value, str) else part.value.decode()
                yield text, "max_length" in named


def test_no_pattern_ends_before_a_line_end(root: Path) -> None:
    """A `$` in a pattern of the source is one that no line end may follow, or the text's length is bounded too."""
    found = [
        (path.name, pattern)
        for path in (root / "src").rglob("*.py")
        for pattern, bounded in _patterns(ast.parse(path.read_text()))
        if "$" in pattern.replace(_SAFE, "").replace("[^$]", "") and not bounded
    ]
    assert found == []


@pytest.mark.parametrize("currency", ["EUR\n", "\nEUR", "EUR ", "EURO", "eur", "EU"])
def test_currency(currency: str) -> None:
    """A currency is three capitals and nothing else, in events and in items."""
    for kind, given in ((Purchase, {"item_id": "i"}), (ItemPatch, {"id": "i"})):
        with pytest.raises(msgspec.ValidationError, match="currency"):
            msgspec.convert(given | {"currency": currency}, kind)
    with pytest.raises(msgspec.ValidationError, match="prices"):
        msgspec.convert({"id": "i", "prices": {currency: 1.0}}, ItemPatch)


@pytest.mark.parametrize("link", ["\n", "ftp://x", "x", " /x"])
def test_link(link: str) -> None:
    """A link is an address, a path, or empty; a line end is none of these."""
    with pytest.raises(msgspec.ValidationError, match="url"):
        msgspec.convert({"id": "i", "url": link}, ItemPatch)


@pytest.mark.parametrize("link", ["", "/p/1", "https://shop.example/"])
def test_good_links(link: str) -> None:
    """An address, a path and nothing are links."""
    assert msgspec.convert({"id": "i", "url": link}, ItemPatch).url == link


@pytest.mark.parametrize("digest", ["a" * 64 + "\nb", "a" * 63, "g" * 64, "b " + "a" * 64])
def test_digest(digest: str) -> None:
    """A SHA-256 is 64 hexadecimal digits and nothing else."""
    event = Purchase(item_id="i", properties={"identities": {"email_sha256": digest}})
    with pytest.raises(InputError, match=r"no SHA-256|control characters"):
        identities.settled(event)


def test_prices_of_feeds() -> None:
    """A price is an amount and a currency at one side of it, whatever stands around them is no part of it."""
    assert cells.price(" 12,75 EUR\n", "price", None, Mark.POINT) == (12.75, "EUR")
    for text in ("12.75\nEUR USD", "EUR 1 EUR", "12.75 EURS"):
        with pytest.raises(InputError):
            cells.price(text, "price", None, Mark.POINT)
