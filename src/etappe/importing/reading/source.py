"""A file to be read, with what is known of it and what reading it showed."""

import sys
from functools import cached_property
from pathlib import Path, PosixPath
from typing import Self

from etappe.importing.reading import dialect as dialects
from etappe.importing.reading.dialect import Dialect


class Source(PosixPath):
    """A file by its path, or `archive.zip/member`, and the encoding and the separator that somebody named.

    It is a path, so that whoever takes one may be handed it. `remarks` are sentences for whoever imports the file, all
    of them once it is read.
    """

    encoding: str | None
    separator: str | None
    remarks: list[str]
    small: bool
    """Whether it is read in small pieces: slower, for those who make an object of each row."""

    def __new__(cls, path: Path, encoding: str | None = None, separator: str | None = None) -> Self:  # noqa: ARG004 - see __init__
        """A source, which before Python 3.12 is made here."""
        return super().__new__(cls, path)

    def __init__(self, path: Path, encoding: str | None = None, separator: str | None = None) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(path)
        self.encoding = encoding
        self.separator = separator
        self.remarks = []
        self.small = False

    def with_segments(self, *segments: str) -> Path:
        """Paths made from this one are paths and no more."""
        return Path(*segments)

    @cached_property
    def dialect(self) -> Dialect:
        """What the file is; InputError where that cannot be known."""
        told = dialects.of(self, self.encoding, self.separator)
        self.note(*told.remarks)
        return told

    def note(self, *remarks: str) -> None:
        """Adds to `remarks` what is not there yet."""
        self.remarks += [remark for remark in remarks if remark not in self.remarks]


def of(path: Path) -> Source:
    """`path` as a source."""
    return path if isinstance(path, Source) else Source(path)
