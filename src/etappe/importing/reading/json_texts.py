"""JSON in any arrangement as one object after another: a line each, an array, an object that holds one list."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.reading import lines
from etappe.importing.reading.source import Source
from etappe.importing.reading.text import texts
from etappe.importing.reading.text.signs import Notes
from etappe.units import MIB

LONGEST: Final = 64 * MIB
"""Characters of one object."""

_SAMPLE: Final = 1 << 20
_AT_ONCE: Final = 8192
_BLANK: Final = " \t\n"
_SCHEMA: Final = {"line": pl.Int64, "text": pl.String}
_Text = tuple[int, str]


def batches(source: Source, own: Collection[str] | None) -> Iterator[pl.DataFrame]:
    """Frames of (line: Int64, text: String): each object with the line that it begins on.

    `own` are keys of a row: an object without them that holds one list of objects stands for that list. None: no object
    stands for anything else.

    Raises:
        InputError: the file cannot be read, or is no JSON where that is not a matter of one line.
    """
    text = source.dialect.text
    if text is None:
        raise InputError(f"{source} is no JSON")
    if _is_lines(source):
        yield from lines.batches(source)
        return
    notes = Notes()
    values = _Values(source, texts.pieces(source, text, notes), own).all()
    waiting: list[_Text] = []
    size = 0
    for line, value in values:
        waiting.append((line, value.replace("\n", " ")))
        size += len(value)
        if len(waiting) >= _AT_ONCE or size > 8 * MIB:
            yield pl.DataFrame(waiting, schema=_SCHEMA, orient="row")
            waiting, size = [], 0
    yield pl.DataFrame(waiting, schema=_SCHEMA, orient="row")
    source.note(*notes.remarks())


def _is_lines(source: Source) -> bool:
    """Whether each line is an object: the first is, and is not all there is; or it is broken, but ends as one."""
    text = source.dialect.text
    if text is None:
        return False
    begun = ""
    for piece in texts.pieces(source, text, Notes()):
        begun += piece
        if len(begun) > _SAMPLE:
            break
    filled = [line for line in begun.split("\n", 21)[:21] if line.strip()]
    first = filled[0].strip() if filled else ""
    if not first.startswith("{"):
        return False
    if _is_object(first):
        return len(filled) > 1
    return first.endswith("}") or any(line.startswith("{") and _is_object(line) for line in filled[1:3])


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return False


class _MoreError(Exception):
    """What is looked at does not end in the buffer."""


class _Values:
    """JSON values that follow one another, read piece by piece."""

    def __init__(self, path: Path, pieces: Iterator[str], own: Collection[str] | None) -> None:
        self._path = path
        self._pieces = pieces
        self._own = own
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._decoder = json.JSONDecoder()

    def all(self) -> Iterator[_Text]:
        """The line and text of each row."""
        while (sign := self._next()) is not None:
            if sign == "[":
                self._step(1)
                yield from self._listed()
            elif sign == "{" and self._own is not None and self._waiting(self._is_wrapper):
                yield from self._wrapped()
            elif sign == ",":
                self._step(1)
            else:
                yield self._value()

    def _listed(self) -> Iterator[_Text]:
        while (sign := self._next()) != "]":
            if sign is None:
                raise self._error("the file ends inside a list; it is cut off, fetch it again")
            if sign == ",":
                self._step(1)
            else:
                yield self._value()
        self._step(1)

    def _wrapped(self) -> Iterator[_Text]:
        """The rows of the one list in an object."""
        self._step(1)
        had = False
        while (sign := self._next()) != "}":
            if sign == ",":
                self._step(1)
                continue
            name = self._value()[1]
            if self._next() != ":":
                raise self._error(f"no colon behind the key {name}")
            self._step(1)
            self._next()
            if not self._waiting(self._is_list) and (had or not self._waiting(self._is_wrapper)):
                self._value()
                continue
            if had:
                raise self._error(f"a second list, {name}; keep one in the file")
            had = True
            if self._next() == "[":
                self._step(1)
                yield from self._listed()
            else:
                yield from self._wrapped()
        self._step(1)

    def _value(self) -> _Text:
        self._next()
        line, (value, end) = self._line, self._waiting(self._decoded)
        text = self._buffer[self._at : end]
        self._step(end - self._at)
        del value
        return line, text

    def _decoded(self) -> tuple[Any, int]:
        return self._end_of(self._at)

    def _end_of(self, at: int) -> tuple[Any, int]:
        """The value at a place, and where it ends."""
        try:
            value, end = self._decoder.raw_decode(self._buffer, at)
        except json.JSONDecodeError as error:
            open_text = error.msg.startswith("Unterminated string")
            if not self._ended and (open_text or error.pos > len(self._buffer) - 16):
                raise _MoreError from error
            if open_text or error.pos >= len(self._buffer):
                raise self._error("the file ends inside an object; it is cut off, fetch it again") from error
            raise self._error("it is no JSON", error.pos) from error
        except RecursionError as error:
            raise self._error("an object is nested too deep") from error
        if end == len(self._buffer) and not self._ended:
            raise _MoreError
        return value, end

    def _is_list(self) -> bool:
        """Whether a list of objects is here."""
        at = self._at
        return self._sign(at) == "[" and self._sign(self._past_blanks(at + 1)) == "{"

    def _is_wrapper(self) -> bool:
        """Whether an object is here that is no row, and holds a list of objects, in one of its own perhaps."""
        return self._sign(self._at) == "{" and self._holds(self._at + 1, 3)

    def _holds(self, at: int, depth: int) -> bool:
        while self._sign(at := self._past_blanks(at)) == '"':
            name, at = self._end_of(at)
            at = self._past_blanks(self._past_blanks(at) + 1)
            if name in (self._own or ()):
                return False
            sign = self._sign(at)
            if sign == "[" and self._sign(self._past_blanks(at + 1)) == "{":
                return True
            if sign == "{" and depth and self._holds(at + 1, depth - 1):
                return True
            at = self._past_blanks(self._end_of(at)[1])
            at += self._sign(at) == ","
        return False

    def _sign(self, at: int) -> str:
        if at < len(self._buffer):
            return self._buffer[at]
        if not self._ended:
            raise _MoreError
        return ""

    def _past_blanks(self, at: int) -> int:
        while self._sign(at) in _BLANK and at < len(self._buffer):
            at += 1
        return at

    def _next(self) -> str | None:
        """The next sign that is no blank, which is then the present one; None at the end."""
        at = self._waiting(lambda: self._past_blanks(self._at))
        self._step(at - self._at)
        return self._buffer[at] if at < len(self._buffer) else None

    def _step(self, count: int) -> None:
        self._line += self._buffer.count("\n", self._at, self._at + count)
        self._at += count

    def _waiting(self, look: Any) -> Any:
        """What `look` returns, with as much of the file as it takes."""
        while True:
            try:
                return look()
            except _MoreError:
                self._fill()

    def _fill(self) -> None:
        """At least as much again as is waiting, so that a long object is not looked at too often."""
        kept = self._buffer[self._at :]
        if len(kept) > LONGEST:
            raise self._error(f"an object of over {LONGEST // MIB} MiB; write one object a line")
        parts, size = [kept], 0
        while size <= len(kept):
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                break
            parts.append(piece)
            size += len(piece)
        self._buffer, self._at = "".join(parts), 0

    def _error(self, message: str, at: int | None = None) -> InputError:
        line = self._line + self._buffer.count("\n", self._at, at or self._at)
        return InputError(f"{self._path}, line {line}: {message}")
