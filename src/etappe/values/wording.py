"""What a decoder says of a text that has not the form it has to have, in words: people are not shown patterns."""

import re
from typing import Final

_PATTERN: Final = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'")
_ONE_OF: Final = re.compile(r"\^\((?P<names>\w+(\|\w+)+)\)")
_FORMS: Final = {
    "^[A-Z]{3}$": "no currency of three letters, such as EUR",
    "^(https?://": "no link that begins with http://, https:// or /",
}


def plain(message: str) -> str:
    """`message` of msgspec with what is expected in place of a pattern."""
    found = _PATTERN.match(message)
    if found is None:
        return message
    listed = _ONE_OF.match(found["pattern"])
    if listed is not None:
        return f"none of {listed['names'].replace('|', ', ')}"
    return next((words for start, words in _FORMS.items() if found["pattern"].startswith(start)), message)
