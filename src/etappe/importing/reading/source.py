"""A file to be read, with what is known of it and what reading it showed."""

from functools import cached_property
from pathlib import Path

from etappe.importing.reading import dialect as dialects
from etappe.importing.reading.dialect import Dialect


class Source:
    """A file by its path, or `archive.zip/member`, and the encoding and the separator that somebody named.

    `remarks` are sentences for whoever imports it; those that need all of it are there once it is read.
    """

    def __init__(self, path: Path, encoding: str | None = None, separator: str | None = None) -> None:
        self.path = path
        self.encoding = encoding
        self.separator = separator
        self.remarks: list[str] = []

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def dialect(self) -> Dialect:
        """What the file is; InputError where that cannot be known."""
        told = dialects.of(self.path, self.encoding, self.separator)
        self.note(*told.remarks)
        return told

    def note(self, *remarks: str) -> None:
        """Adds to `remarks` what is not there yet."""
        self.remarks += [remark for remark in remarks if remark not in self.remarks]


def of(path: Path | Source) -> Source:
    """`path` as a source."""
    return path if isinstance(path, Source) else Source(path)
