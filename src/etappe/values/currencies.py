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
_CODES: Final = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF"
    " CLP CNH CNY COP CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ GYD HKD"
    " HNL HRK HTG HUF IDR ILS IMP INR IQD IRR ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL"
    " LTL LVL LYD MAD MDL MGA MKD MMK MNT MOP MRO MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP"
    " PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB TJS TMT TND"
    " TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VEF VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ZWL DEM ATS FRF"
    " ITL ESP NLG BEF EEK SKK SIT GRD FIM IEP PTE".split()
)
"""Codes of currencies that are or were money of shops: what is written beside an amount is one of these, or no currency."""

_DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS", "UYU", "BBD"})
_CROWNS: Final = frozenset({"SEK", "NOK", "DKK", "ISK"})
SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "$": _DOLLARS, "KR": _CROWNS, "KR.": _CROWNS, "¥": frozenset({"JPY", "CNY"}), "￥": frozenset({"JPY", "CNY"}),
    "£": frozenset({"GBP", "EGP", "GIP"}), **dict.fromkeys(("RS", "RS."), frozenset({"INR", "PKR", "LKR", "NPR", "MUR"})),
    **{sign: frozenset({code}) for sign, code in {
        "€": "EUR", "EURO": "EUR", "EUROS": "EUR", "US$": "USD", "US $": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD",
        "NZ$": "NZD", "R$": "BRL", "HK$": "HKD", "S$": "SGD", "₹": "INR", "₽": "RUB", "₺": "TRY", "TL": "TRY",
        "₩": "KRW", "₫": "VND", "₪": "ILS", "₴": "UAH", "฿": "THB", "ZŁ": "PLN", "ZL": "PLN", "LEI": "RON", "KČ": "CZK", "FT": "HUF",
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
    meant = SIGNS.get(found, frozenset())
    if is_code(found) and not meant:
        return found
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
    """The currencies that a code or sign in capitals, or both, may mean; empty where it is neither, as PCS in "5 PCS"."""
    if sign in _CODES:
        return frozenset({sign})
    known = SIGNS.get(sign)
    return _CODES & {sign[:3]} & SIGNS.get(sign[3:].strip(), frozenset()) if known is None else known  # "USD$"


def one_of(meant: frozenset[str], sign: str) -> str | None:
    """The one of the currencies `meant` by `sign`; None where it may be several."""
    return next(iter(meant)) if len(meant) == 1 else _TOLD.get(sign)
