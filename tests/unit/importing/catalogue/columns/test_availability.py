"""Words for what is sold and what is not."""

from typing import Any

import pytest

from etappe.errors import InputError
from etappe.importing.catalogue.columns import availability


@pytest.mark.parametrize(
    ("word", "found"),
    [
        *((word, True) for word in ("in stock", "in_stock", "InStock", " IN-STOCK ", "https://schema.org/InStock", "1", "yes", 1)),
        *((word, True) for word in (True, "lieferbar", "Auf Lager", "Verfügbar", "en stock", "limited availability")),
        *((word, False) for word in ("Out of Stock", "outofstock", "http://schema.org/OutOfStock", "discontinued", "false", 0)),
        *((word, False) for word in ("ausverkauft", "Nicht verfügbar", "épuisé", "rupture de stock", "sold out", False)),
        *((word, False) for word in ("preorder", "pre-order", "on backorder", "vorbestellbar")),
    ],
)  # fmt: skip
def test_states(word: Any, found: bool) -> None:
    """Words of shops, feeds and schema.org, in any spelling; what is not there yet is not available without a date."""
    assert availability.is_open(word, "availability", dated=False) is found


def test_dated() -> None:
    """What may be ordered before it is there is available from its date on; what is sold out is not."""
    assert [availability.is_open(word, "a", dated=True) for word in ("backorder", "sold out")] == [True, False]


@pytest.mark.parametrize(
    "word", ["schema.org/InStock", "schema:InStock", "Op voorraad", "sofort verfügbar", "Disponibile"]
)
def test_words_of_other_shops(word: str) -> None:
    """A state of schema.org with any prefix, and words of further languages, are states."""
    assert availability.is_open(word, "availability", dated=False)


@pytest.mark.parametrize(
    "word", ["Uitverkocht", "esaurito", "agotado", "temporarily out of stock", "zurzeit nicht lieferbar"]
)
def test_words_for_sold_out(word: str) -> None:
    """What is not to be had for now is not available."""
    assert not availability.is_open(word, "availability", dated=True)


@pytest.mark.parametrize(
    "word", ["perhaps", "", "7", "-1", -1, "\u22121", -1.0, None, [], "in stock soon", "schema.org"]
)
def test_no_state(word: Any) -> None:
    """A word that is none refuses the row, and never passes as available."""
    with pytest.raises(InputError, match="a: neither available nor not"):
        availability.is_open(word, "a", dated=True)
