"""Currencies: codes of ISO 4217, how many decimals they have, and the signs they are written with."""

from collections.abc import Mapping
from typing import Final

from etappe.values.unreadable import Unreadable, is_absent

USUAL_DECIMALS: Final = 2
_DECIMALS: Final[Mapping[str, int]] = dict.fromkeys(
    ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3
) | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)
"""Decimals of the currencies that do not have two (ISO 4217, table A.1)."""

_DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS", "UYU", "BBD"})
_CROWNS: Final = frozenset({"SEK", "NOK", "DKK", "ISK"})
SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "$": _DOLLARS, "KR": _CROWNS, "KR.": _CROWNS, "¥": frozenset({"JPY", "CNY"}), "￥": frozenset({"JPY", "CNY"}),
    "£": frozenset({"GBP", "EGP", "GIP"}),
    **{sign: frozenset({code}) for sign, code in {
        "€": "EUR", "EURO": "EUR", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD",
        "NZ$": "NZD", "R$": "BRL", "HK$": "HKD", "S$": "SGD", "₹": "INR", "RS.": "INR", "₽": "RUB", "₺": "TRY",
        "₩": "KRW", "₫": "VND", "₪": "ILS", "₴": "UAH", "฿": "THB", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF",
        "FR.": "CHF", "SFR.": "CHF", "ЛВ": "BGN", "ЛВ.": "BGN",
    }.items()},
}  # fmt: skip
"""Signs and abbreviations in capitals, and the currencies that use them."""
_TOLD: Final[Mapping[str, str]] = {"£": "GBP"}
"""Signs of several currencies, of which one is meant wherever nothing else is said."""


def code(value: object) -> str | None:
    """A code of three letters, in capitals; None where there is none.

    Raises:
        Unreadable: it is something else.
    """
    if is_absent(value):
        return None
    found = value.strip().upper() if isinstance(value, str) else ""
    if is_code(found):
        return found
    meant = SIGNS.get(found, frozenset())
    if len(meant) == 1:
        return next(iter(meant))
    raise Unreadable("no currency: give three letters of ISO 4217, as in EUR", value)


def is_code(text: str) -> bool:
    """Whether `text` is three capital letters."""
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()  # noqa: PLR2004 - ISO 4217


def decimals(currency: str | None) -> int:
    """How many decimals amounts of `currency` have; two where it is not known."""
    return _DECIMALS.get(currency or "", USUAL_DECIMALS)


def meant_by(sign: str) -> frozenset[str]:
    """The currencies that a code or sign in capitals may mean; empty where it is neither."""
    return frozenset({sign}) if is_code(sign) else SIGNS.get(sign, frozenset())


def one_of(meant: frozenset[str], sign: str) -> str | None:
    """The one currency that `sign` means; None where it may be several."""
    return next(iter(meant)) if len(meant) == 1 else _TOLD.get(sign)
