"""The formats there are. An importer is added by a line here."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.importing.formats import ga4, native, online_retail, rees46, segment
from etappe.importing.formats.intake import Intake

Importer = Callable[[Path, Intake], Iterator[pl.DataFrame]]
"""Yields frames of accepted rows: `line`, `time`, `derived` (optional) and the native columns, typed."""


class Format(msgspec.Struct, frozen=True):
    """How one kind of file is read. `tells_items`: it describes its items, so that they replace the catalogue's."""

    read: Importer
    tells_items: bool


FORMATS: Final[Mapping[str, Format]] = {
    "native": Format(native.read, tells_items=False),
    "online-retail": Format(online_retail.read, tells_items=True),
    "rees46": Format(rees46.read, tells_items=True),
    "ga4": Format(ga4.read, tells_items=False),
    "segment": Format(segment.read, tells_items=False),
}


def named(name: str) -> Format:
    """The format of this name; InputError with the names there are where it is none."""
    found = FORMATS.get(name)
    if found is None:
        raise InputError(f"unknown format {name!r}; there are {', '.join(FORMATS)}", field="format")
    return found
