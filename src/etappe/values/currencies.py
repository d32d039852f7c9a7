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
_WRITTEN: Final = """
    AED AFN ALL AMD ANG AOA ARS ATS AUD AWG AZN BAM BBD BDT BEF BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLF CLP CNH CNY COP CRC CUC CUP CVE CZK DEM DJF DKK DOP DZD EEK EGP ERN ESP ETB EUR FIM
    FJD FKP FRF GBP GEL GGP GHS GIP GMD GNF GRD GTQ GYD HKD HNL HRK HTG HUF IDR IEP ILS IMP INR IQD IRR ISK
    ITL JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL LYD MAD MDL MGA MKD
    MMK MNT MOP MRO MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NLG NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PTE
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SIT SKK SLE SLL SOS SRD SSP STD STN SVC SYP SZL THB
    TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VEF VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
    ZMW ZWG ZWL
"""
_CODES: Final = frozenset(_WRITTEN.split())
"""Codes of ISO 4217 and of what was money before; other letters beside an amount are no currency."""

_DOLLARS: Final = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS", "UYU", "BBD"})
_RUPEES: Final = frozenset({"INR", "PKR", "LKR", "NPR", "MUR"})
_CROWNS: Final = frozenset({"SEK", "NOK", "DKK", "ISK"})
SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "$": _DOLLARS, "KR": _CROWNS, "KR.": _CROWNS, "RS": _RUPEES, "RS.": _RUPEES,
    "¥": frozenset({"JPY", "CNY"}), "￥": frozenset({"JPY", "CNY"}),
    "£": frozenset({"GBP", "EGP", "GIP"}),
    **{sign: frozenset({code}) for sign, code in {
        "€": "EUR", "EURO": "EUR", "EUROS": "EUR", "US$": "USD", "US $": "USD",
        "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD",
        "NZ$": "NZD", "R$": "BRL", "HK$": "HKD", "S$": "SGD", "₹": "INR", "₽": "RUB", "₺": "TRY", "TL": "TRY",
        "₩": "KRW", "₫": "VND", "₪": "ILS", "₴": "UAH", "฿": "THB", "ZŁ": "PLN", "ZL": "PLN", "LEI": "RON",
        "KČ": "CZK", "FT": "HUF",
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
    """The currencies that a code or sign in capitals, or both, may mean; none for what is neither, as in "5 PCS"."""
    if sign in _CODES:
        return frozenset({sign})
    known = SIGNS.get(sign)
    return known if known is not None else _CODES & {sign[:3]} & SIGNS.get(sign[3:].strip(), frozenset())


def one_of(meant: frozenset[str], sign: str) -> str | None:
    """The one of the currencies `meant` by `sign`; None where it may be several."""
    return next(iter(meant)) if len(meant) == 1 else _TOLD.get(sign)
