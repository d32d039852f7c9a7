"""The distinct values that fields of items have, as codes in the order of comparison.

Code 0 is null, then come numbers in ascending order, texts in ascending order (of code points, which is that of
UTF-8), and all else. So a comparison is an interval of codes. What equality asks is a 64-bit hash, the *key*: a value
has one, a list has one for each of its elements, as it is equal to what any of them is.
"""

import bisect
from array import array
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.arrays import Spooled

Codes = NDArray[np.int32]
NULL: Final = 0
ORDERED: Final = ("lt", "lte", "gt", "gte")


def key_of(value: Any) -> int:
    """The 64-bit hash of a JSON value; the same for values that are equal, as 1, 1.0 and true are."""
    return int.from_bytes(blake2b(_plain(value), digest_size=8, person=b"value").digest(), "little")


def keys_of(value: Any) -> list[int]:
    """The keys of whatever a value is equal to."""
    return [key_of(element) for element in value] if isinstance(value, list) else [key_of(value)]


def as_number(value: float) -> float:
    """A number as comparisons see it: of 64 bits, the ends being infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def is_number(value: Any) -> bool:
    """Whether a value is compared as a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Values:
    """The values of a compiled catalogue, as arrays that are mapped.

    value_number float64[m] ascending; value_text uint8 and value_text_at int64[s+1]: texts one behind the other;
    value_key_at int32[v+1] and value_key uint64[k]: the keys of each code; key_sorted uint64[k] and key_code int32[k]:
    the keys in ascending order and whose they are.
    """

    NAMES: Final = (
        "value_number", "value_text", "value_text_at", "value_key_at", "value_key", "key_sorted", "key_code",
    )  # fmt: skip

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._numbers = arrays["value_number"]
        self._text = bytes_of(arrays["value_text"])
        self._text_at = arrays["value_text_at"]
        self._key_at = arrays["value_key_at"]
        self._keys = arrays["value_key"]
        self._key_sorted = arrays["key_sorted"]
        self._key_code = arrays["key_code"]

    def __len__(self) -> int:
        """How many codes there are."""
        return len(self._key_at) - 1

    def interval(self, name: str, bound: Any) -> tuple[int, int]:
        """The codes [first, end) of the values that compare so with `bound`; none for what is no number or text."""
        numbers, texts = 1 + len(self._numbers), len(self._text_at) - 1
        if is_number(bound):
            side = "left" if name in ("lt", "gte") else "right"
            at = 1 + int(np.searchsorted(self._numbers, as_number(bound), side=side))  # type: ignore[call-overload]
            return (1, at) if name in ("lt", "lte") else (at, numbers)
        if isinstance(bound, str):
            find = bisect.bisect_left if name in ("lt", "gte") else bisect.bisect_right
            at = numbers + find(range(texts), _bytes(bound), key=self._text_of)
            return (numbers, at) if name in ("lt", "lte") else (at, numbers + texts)
        return 0, 0

    def among(self, codes: Codes, wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """bool[n]: which codes have one of the keys `wanted` (ascending)."""
        starts = self._key_at[codes]
        lengths = self._key_at[codes + 1] - starts
        if (lengths == 1).all():
            return contained(self._keys[starts], wanted)
        ends = np.cumsum(lengths)
        owners = np.repeat(np.arange(len(codes)), lengths)
        places = np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1])
        hits = np.zeros(len(codes), np.bool_)
        hits[owners[contained(self._keys[places], wanted)]] = True
        return hits

    def codes_with(self, wanted: NDArray[np.uint64], most: int) -> Codes | None:
        """The codes that have one of the keys `wanted`, ascending; None where there are more than `most`."""
        first = np.searchsorted(self._key_sorted, wanted, side="left")
        end = np.searchsorted(self._key_sorted, wanted, side="right")
        if int((end - first).sum()) > most:
            return None
        found = [self._key_code[a:b] for a, b in zip(first.tolist(), end.tolist(), strict=True) if a < b]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int32)

    def _text_of(self, place: int) -> bytes:
        return bytes(self._text[self._text_at[place] : self._text_at[place + 1]])


def contained(keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """bool[n]: which of `keys` are among `wanted` (ascending)."""
    if len(wanted) == 0:
        return np.zeros(len(keys), np.bool_)
    found: NDArray[np.bool_] = wanted[np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)] == keys
    return found


def compiled_values(distinct: Sequence[Any]) -> tuple[dict[str, NDArray[Any]], Codes]:
    """The arrays of `Values`, and int32[n] the code of each of `distinct` (null is not among them)."""
    order = _in_order(distinct)
    codes = np.zeros(len(distinct), np.int32)
    codes[order] = np.arange(1, len(distinct) + 1, dtype=np.int32)
    flat_, counts = array("Q", keys_of(None)), array("i", [1])
    numbers, texts, text_at = array("d"), Spooled(), array("q", [0])
    for value in map(distinct.__getitem__, order):
        keys = keys_of(value)
        flat_.extend(keys)
        counts.append(len(keys))
        if is_number(value):
            numbers.append(as_number(value))
        elif isinstance(value, str):
            text_at.append(text_at[-1] + texts.add(_bytes(value)))
    flat, lengths = np.array(flat_, np.uint64), np.array(counts)
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    by_key = np.argsort(flat, kind="stable")
    arrays: dict[str, NDArray[Any]] = {
        "value_number": np.array(numbers, np.float64),
        "value_text": texts.array(),
        "value_text_at": np.array(text_at, np.int64),
        "value_key_at": np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)]),
        "value_key": flat,
        "key_sorted": flat[by_key],
        "key_code": owners[by_key],
    }
    return arrays, codes


def bytes_of(values: NDArray[Any]) -> memoryview:
    """A view of an array that gives single values and slices in a fraction of the time that the array takes."""
    return memoryview(values)  # type: ignore[arg-type] # numpy does not tell that its arrays are buffers


def _in_order(distinct: Sequence[Any]) -> list[int]:
    """The places of numbers, of texts, of all else: as keys of their own kind, numbers and texts take least room."""
    numbers = [place for place, value in enumerate(distinct) if is_number(value)]
    texts = [place for place, value in enumerate(distinct) if isinstance(value, str)]
    others = [place for place, value in enumerate(distinct) if not is_number(value) and not isinstance(value, str)]
    numbers.sort(key=lambda place: as_number(distinct[place]))
    texts.sort(key=lambda place: str(distinct[place]))  # by code points, as UTF-8 is
    return numbers + texts + others


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _plain(value: Any) -> bytes:
    """Bytes that are the same for equal values, and others for others."""
    if isinstance(value, str):
        return b'"' + _bytes(value)
    if value is None:
        return b"null"
    if isinstance(value, int | float):
        whole = isinstance(value, int) or value.is_integer()
        return repr(int(value) if whole else value).encode()
    if isinstance(value, list):
        parts = [_plain(element) for element in value]
        return b"[" + b"".join(b"%d:" % len(part) + part for part in parts)
    named = sorted((_bytes(name), _plain(inner)) for name, inner in value.items())
    return b"{" + b"".join(b"%d:%d:" % (len(name), len(inner)) + name + inner for name, inner in named)
