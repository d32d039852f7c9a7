"""Whether bytes above 127 make words of Western languages in Windows-1252, or those of another 8-bit encoding."""

import re
from collections.abc import Mapping
from typing import Final

WINDOWS: Final = "cp1252"
MOST: Final = 10_000
"""Different words that are looked at; more say nothing more."""

_WORD: Final = re.compile(rb"[A-Za-z\x80-\xff]+")
_LETTERS: Final = (
    frozenset("äöüßéèêëàâáçñôóòîïíåøæûúœ"),  # German, English, Dutch and Nordic, with what they borrow
    frozenset("àâæçéèêëîïôœùûüÿñöäáó"),  # French
    frozenset("áéíóúüñçàèïòãâêôõö"),  # Spanish, Catalan, Portuguese
    frozenset("àèéìíîòóùúüöç"),  # Italian
    frozenset("áðéíóúýþæöøåä"),  # Icelandic, Faroese
    frozenset("õäöüšžåé"),  # Finnish, Estonian
)
"""What the letters of a text are within, if it is one of these languages."""
_OTHER_LETTERS: Final = (
    frozenset("ąćęłńóśźż"),  # Polish
    frozenset("áčďéěíňóřšťúůýžäľĺôŕ"),  # Czech, Slovak
    frozenset("áéíóöőúüű"),  # Hungarian
    frozenset("čćđšž"),  # Croatian, Slovenian
    frozenset("ăâîșțşţ"),  # Romanian
    frozenset("çğ\u0131öşüâî"),  # Turkish
    frozenset(map(chr, range(0x430, 0x460))),  # Cyrillic
    frozenset(map(chr, range(0x390, 0x3D0))),  # Greek
)
_BETWEEN: Final = "\u2018\u2019\xb4\xb7\xad\u2013\u2014\xa0\xae\u2122\xb0\xb5\xd7\u2026\u2022\xbd\xbc\xbe"
"""Signs that may stand between two letters."""
_NEVER_BEHIND: Final = re.compile(r"[^\W\d_][\u201a\u201e\u02c6\u2020\u2021\u0192\xa4\xa6\xa8\xaf\xb8\xa1\xbf]")
"""Signs that do not follow a letter."""
_NEVER_BEFORE: Final = re.compile(r"[\xb2\xb3\xb9\xa5\xa2\xac\xb6\u2021\u2020\u0192\u02c6\xa4\xa6\xa8\xaf\xb8][^\W\d_]")
_UNLIKELY: Final = re.compile("[\ufffd\x80-\x9f\xa4\u2500-\u259f]")
"""No sign at all, a control character, a sign that nobody uses, and lines to draw boxes with."""
_CAPITAL_INSIDE: Final = re.compile(
    "[a-z\xdf-\xff][\xc0-\xde\u0160\u017d\u0178]|[^\\W\\d_][\xc0-\xde\u0160\u017d\u0178][a-z]"
)
_LATIN: Final = re.compile("[A-Za-z]")
_NOT_LATIN: Final = re.compile("[\u0370-\u04ff]")
_SAME_IN_MANY: Final = re.compile("[\u0160\u017d][a-z]+")
"""As Škoda: says nothing, as the encodings of Eastern Europe have the same byte for it."""
_OTHERS: Final = ("iso8859-15", "cp1250", "cp1251", "mac_roman", "cp850", "cp1254", "cp1253")
_LEAST_FITTING: Final = 0.9
_LEAST_LIKELY: Final = 0.6
_MOST_SHOWN: Final = 4


def foreign(text: bytes) -> list[bytes]:
    """The words of `text` that are not ASCII."""
    return [word for word in _WORD.findall(text) if not word.isascii()]


def doubt(words: Mapping[bytes, int]) -> str | None:
    """What to say where `words` (with their lines) are none in Windows-1252; else None."""
    told = {word: line for word, line in words.items() if not _SAME_IN_MANY.fullmatch(_read(word, WINDOWS))}
    if not told or _fit(told, WINDOWS, _LETTERS) >= _LEAST_FITTING:
        return None
    every = (*_LETTERS, *_OTHER_LETTERS)
    best = max(_OTHERS, key=lambda codec: _fit(told, codec, every))
    strange = {word: line for word, line in told.items() if not _fit([word], WINDOWS, _LETTERS[:1])}
    word, line = min((strange or told).items(), key=lambda pair: pair[1])
    readings: dict[str, str] = {}
    for codec in (WINDOWS, best, *_OTHERS):
        text = _read(word, codec)
        if codec == WINDOWS or not _UNLIKELY.search(text):
            readings.setdefault(text, codec)
    shown = ", ".join(f"{text!r} as {codec}" for text, codec in list(readings.items())[:_MOST_SHOWN])
    sure = _fit(told, best, every) >= _LEAST_LIKELY
    return f"line {line} reads {shown}; name it{f', as in --encoding {best}' if sure else ' by --encoding'}"


def _fit(words: Mapping[bytes, int] | list[bytes], codec: str, alphabets: tuple[frozenset[str], ...]) -> float:
    """The share of words that are words in `codec`, with letters of the one alphabet that most have."""
    texts = [text for text in (_read(word, codec) for word in words) if not _is_odd(text)]
    letters = [_letters(text) for text in texts]
    return max(sum(one <= alphabet for one in letters) for alphabet in alphabets) / len(words)


def _is_odd(text: str) -> bool:
    """Whether a word has what no word has: no signs, signs inside, capitals behind small letters."""
    if _UNLIKELY.search(text) or _NEVER_BEHIND.search(text) or _NEVER_BEFORE.search(text):
        return True
    if _CAPITAL_INSIDE.search(text) or (_LATIN.search(text) and _NOT_LATIN.search(text)):
        return True
    letters = [at for at, sign in enumerate(text) if sign.isalpha()]
    inner = text[letters[0] : letters[-1]] if letters else ""
    return any(not sign.isalpha() and sign not in _BETWEEN for sign in inner)


def _letters(text: str) -> frozenset[str]:
    return frozenset(sign for sign in text.lower() if not sign.isascii() and sign.isalpha() and sign not in "µªº")


def _read(word: bytes, codec: str) -> str:
    return word.decode(codec, "replace")
