"""Whether bytes above 127 make words of Western languages in Windows-1252, or those of another 8-bit encoding."""

import re
from collections.abc import Mapping
from typing import Final

WINDOWS: Final = "cp1252"
MOST: Final = 10_000
"""Different words that are looked at; more say nothing more."""

_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]+")
_UNUSED: Final = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))
"""Bytes that Windows-1252 has no sign for."""
_LETTERS: Final = (
    frozenset("äöüßéèêëàâáçñôóòîïíåøæûúœ"),  # German, English, Dutch and Nordic, with what they borrow
    frozenset("àâæçéèêëîïôœùûüÿñöäáó"),  # French
    frozenset("áéíóúüñçàèïòªºãâêôõö"),  # Spanish, Catalan, Portuguese
    frozenset("àèéìíîòóùúüöç"),  # Italian
    frozenset("áðéíóúýþæöøåä"),  # Icelandic, Faroese
    frozenset("õäöüšžåé"),  # Finnish, Estonian
)
"""What the letters of a text are within, if it is one of these languages."""
_BETWEEN: Final = "\u2018\u2019\xb4\xb7\xad\u2013\u2014\xa0\xae\u2122\xb0\xb5\xd7\u2026\u2022\xbd\xbc\xbe"
"""Signs that may stand between two letters."""
_NEVER_BEHIND: Final = re.compile(r"[^\W\d_][\u201a\u201e\u02c6\u2020\u2021\u0192\xa4\xa6\xa8\xaf\xb8\xa1\xbf]")
"""Signs that do not follow a letter."""
_NEVER_BEFORE: Final = re.compile(r"[\xb2\xb3\xb9\xa5\xa2\xac\xb6\u2021\u2020\u0192\u02c6\xa4\xa6\xa8\xaf\xb8][^\W\d_]")
_CAPITAL_INSIDE: Final = re.compile("[a-z\xdf-\xff][\xc0-\xde\u0160\u017d\u0178]")
_SAME_IN_MANY: Final = re.compile("[\u0160\u017d][a-z]+")
"""As Škoda: says nothing, as the encodings of Eastern Europe have the same byte for it."""
_OTHERS: Final = ("cp1250", "cp1251", "mac_roman", "cp850", "iso8859-15")
_LEAST_FITTING: Final = 0.9


def foreign(text: bytes) -> list[bytes]:
    """The words of `text` that are not ASCII."""
    return [word for word in _WORD.findall(text) if not word.isascii()]


def doubt(words: Mapping[bytes, int]) -> str | None:
    """How a word reads in other encodings, where `words` (with their lines) are none in Windows-1252; else None."""
    told = [(word, line) for word, line in words.items() if not _SAME_IN_MANY.fullmatch(_read(word, WINDOWS))]
    odd = [(word, line) for word, line in told if _is_odd(word)]
    plain = [frozenset(_letters(word)) for word, _ in told if not _is_odd(word)]
    fitting = max(sum(letters <= alphabet for letters in plain) for alphabet in _LETTERS)
    if not told or fitting >= _LEAST_FITTING * len(told):
        return None
    strange = [(word, line) for word, line in told if frozenset(_letters(word)) - _LETTERS[0]]
    word, line = min(odd or strange or told, key=lambda pair: pair[1])
    readings: dict[str, str] = {}
    for codec in (WINDOWS, *_OTHERS):
        readings.setdefault(_read(word, codec), codec)
    return f"line {line} reads " + ", ".join(f"{text!r} as {codec}" for text, codec in readings.items())


def _is_odd(word: bytes) -> bool:
    """Whether a word has what no word has: bytes without a sign, signs inside, capitals behind small letters."""
    if _UNUSED & set(word):
        return True
    text = _read(word, WINDOWS)
    if _NEVER_BEHIND.search(text) or _NEVER_BEFORE.search(text) or _CAPITAL_INSIDE.search(text) or "\xa4" in text:
        return True
    letters = [at for at, sign in enumerate(text) if sign.isalpha()]
    inner = text[letters[0] : letters[-1]] if letters else ""
    return any(not sign.isalpha() and sign not in _BETWEEN for sign in inner)


def _letters(word: bytes) -> list[str]:
    signs = _read(word, WINDOWS).lower()
    return [sign for sign in signs if not sign.isascii() and sign.isalpha() and sign not in "µªº"]


def _read(word: bytes, codec: str) -> str:
    return word.decode(codec, "replace")
