"""Whether an item is sold, in the words of shops, feeds and schema.org."""

import re
import unicodedata
from typing import Any, Final

from etappe.errors import InputError

_SCHEMA: Final = re.compile(r"^(?:(?:https?://)?(?:www\.)?schema\.org/|schema:)", re.IGNORECASE)
_BELOW: Final = re.compile(r"[-\u2212]\s*\d")
_OPEN: Final = (
    "true 1 1.0 yes y t on in_stock available available_for_order limited limited_availability low_stock online_only"
    " made_to_order ja lieferbar sofort_lieferbar auf_lager verfügbar verfuegbar vorrätig vorraetig"
    " sofort_verfügbar sofort_verfuegbar begrenzt_verfügbar wenige_verfügbar wahr"
    " oui en_stock disponible vrai si disponibile in_magazzino op_voorraad leverbaar"
)
_CLOSED: Final = (
    "false 0 0.0 no n f off out_of_stock sold_out unavailable not_available not_in_stock discontinued in_store_only"
    " reserved"
    " nein ausverkauft vergriffen nicht_lieferbar nicht_auf_lager nicht_verfügbar nicht_verfuegbar nicht_vorrätig"
    " nicht_vorraetig temporarily_out_of_stock currently_unavailable coming_soon falsch"
    " vorübergehend_nicht_lieferbar zurzeit_nicht_lieferbar derzeit_nicht_lieferbar derzeit_nicht_verfügbar"
    " leider_ausverkauft faux agotado sin_stock no_disponible esaurito non_disponibile"
    " uitverkocht niet_op_voorraad niet_leverbaar"
    " non épuisé rupture_de_stock en_rupture en_rupture_de_stock indisponible non_disponible"
)
_LATER: Final = (
    "preorder backorder on_backorder available_on_backorder pre_sale vorbestellbar vorbestellung précommande"
)
SAID: Final = "neither available nor not: say in_stock, out_of_stock, preorder or backorder, or true or false"


def _plain(text: str) -> str:
    """Words without separators, accents and capitals; a number below zero keeps its sign, as -1 is not 1."""
    bare = unicodedata.normalize("NFKD", _SCHEMA.sub("", text.strip()).casefold())
    sign = "-" if _BELOW.match(bare) else ""
    return sign + "".join(one for one in bare if one.isalnum())


_STATES: Final[dict[str, bool | None]] = {
    _plain(word): state for words, state in ((_OPEN, True), (_CLOSED, False), (_LATER, None)) for word in words.split()
}


def is_open(said: Any, name: str, *, dated: bool) -> bool:
    """Whether an item of this state is available; what may be ordered before it is there, where it is `dated`.

    Raises:
        InputError: it is no state; begins with `name`.
    """
    text = said if isinstance(said, str) else str(said) if isinstance(said, bool | int | float) else ""
    word = _plain(text)
    if word not in _STATES:
        raise InputError(f"{name}: {SAID}")
    state = _STATES[word]
    return dated if state is None else state
