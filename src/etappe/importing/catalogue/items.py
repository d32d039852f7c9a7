"""`etappe import-items`: a catalogue file as partial changes of items."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from etappe.catalog.item import ItemPatch, check_size
from etappe.errors import InputError
from etappe.ids import item_hash
from etappe.importing.catalogue import item_rows, waiting_items
from etappe.importing.catalogue.columns import names, product
from etappe.importing.catalogue.columns.cells import Reading
from etappe.importing.catalogue.columns.evidence import Evidence
from etappe.importing.catalogue.missing import Gone, Whole
from etappe.importing.catalogue.waiting_items import Row, WaitingItems, WaitingRows
from etappe.importing.judging import rejected_file
from etappe.importing.judging.rejected_file import RejectedFile
from etappe.importing.judging.report import ItemsReport
from etappe.importing.reading import failures, files, sources
from etappe.importing.reading.batch import Broken
from etappe.importing.reading.source import Source
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.values.wording import plain
from etappe.zones import zone_of

Upsert = Callable[[list[ItemPatch]], None]

PATCHES_AT_ONCE: Final = 5_000

_MOST_NAMES: Final = 1_000
"""Columns that are told of at most: keys of JSON may be any."""
_REPEATED: Final = "id: an earlier item of the feed has it"


def import_items(
    path: Path | Sequence[Path],
    *,
    upsert: Upsert,
    rejected: Path,
    settings: Settings,
    progress: Progress = silent,
    whole: Whole | None = None,
    encoding: str | None = None,
) -> ItemsReport:
    """Brings the items of `path`, one file or several, into the catalogue by `upsert`, in order, once all are read.

    Columns are the fields of an item in the words of `columns/names.py`; others become attributes. An empty cell
    changes nothing, a null in JSON takes the field back to its default. Where the files are the `whole` catalogue, what
    they do not name is no longer available, and what they name without a word on that is. `encoding` is that of text
    that does not tell its own.

    Raises:
        InputError: there is no column `id`, or the file cannot be read, or is no feed, or too much is missing in it.
        EtappeError: the disk is full or may not be written.
    """
    started = time.monotonic()
    zone_of(settings.catalogue.time_zone)
    given = files.named([path] if isinstance(path, Path) else path, encoding)
    name = f"{files.title(given)}-items"
    with (
        failures.writing(),
        rejected_file.opened(rejected, name) as bad,
        waiting_items.opened(rejected) as (rows, patches),
    ):
        reader = _Reader(bad, patches, settings, whole=whole is not None)
        for file in given:
            bad.begin(file if len(given) > 1 else None)
            file.small = True
            reader.read(file, rows, progress)
            rows.clear()
        gone = whole.gone(reader.named, reader.unread) if whole else []
        upsert_all(patches, upsert, progress)
        upsert_all(Gone(gone), upsert, progress)
        bad.keep()
        return ItemsReport(
            rows=len(patches) + reader.rejected.total(),
            items=len(patches),
            repeated=reader.repeated,
            gone=len(gone),
            read_as=reader.read_as,
            rejected=dict(reader.rejected.most_common()),
            remarks=files.remarks(given),
            seconds=round(time.monotonic() - started, 3),
            rejected_file=bad.kept,
        )


class Patches(Protocol):
    """Changes of items in order, of a known number."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[ItemPatch]: ...


def upsert_all(patches: Patches, upsert: Upsert, progress: Progress) -> None:
    """Calls `upsert` with all `patches` in order, some thousands at a time."""
    total, done = len(patches), 0
    rest = iter(patches)
    while some := list(islice(rest, PATCHES_AT_ONCE)):
        upsert(some)
        done += len(some)
        progress("writing the catalogue", done, total)


class _Reader:
    """Makes changes of rows, a file at a time: what its columns tell together is known once all of it is read."""

    def __init__(self, bad: RejectedFile, patches: WaitingItems, settings: Settings, *, whole: bool) -> None:
        self.rejected: Counter[str] = Counter()
        self.repeated = 0
        self.unread = 0
        self._good: set[int] = set()
        self._refused: set[int] = set()
        self._whole = whole
        self._bad = bad
        self._patches = patches
        self._settings = settings
        self._now = datetime.now(UTC)
        self._names: dict[str, None] = {}

    @property
    def read_as(self) -> dict[str, str]:
        """What columns were taken for."""
        return names.read_as(list(self._names))

    @property
    def named(self) -> set[int]:
        """The hashes of all ids in the files, of refused rows too: that such an item is there is known."""
        return self._good | self._refused

    def read(self, source: Source, rows: WaitingRows, progress: Progress) -> None:
        """Keeps the good rows of `source` as changes of items; `rows` is where they wait until all are read."""
        kind = sources.kind_of(source, tuple(item_rows.READERS))
        evidence, broken = Evidence(), list[Broken]()
        for some, unread in item_rows.READERS[kind](source):
            broken += unread
            if some and names.are_of_events(some[0][1]):
                raise InputError(f"{source} has events, not items; `etappe import` takes it")
            for line, row in some:
                rows.add(Row(line, row))
                evidence.note(row)
                if len(self._names) < _MOST_NAMES:
                    self._names.update(dict.fromkeys(row))
            progress("reading items", len(rows) + len(broken))
        self.unread += len(broken)
        reading = evidence.reading(self._settings, self._now)
        source.note(*evidence.remarks(reading))
        self._judge(rows, broken, reading, once=kind == "feed")

    def _judge(self, rows: WaitingRows, broken: list[Broken], reading: Reading, *, once: bool) -> None:
        """Keeps the good rows as changes; the others are counted and written down in order of lines."""
        broken = sorted(broken, key=lambda one: one.line, reverse=True)
        for waiting in rows:
            while broken and broken[-1].line < waiting.line:
                self._refuse_broken(broken.pop())
            try:
                self._patches.add(self._patch(waiting.cells, reading, once=once))
            except InputError as error:
                self._refuse(waiting.line, str(error), waiting.cells)
        while broken:
            self._refuse_broken(broken.pop())

    def _patch(self, row: dict[str, Any], reading: Reading, *, once: bool) -> ItemPatch:
        if (item := product.id_of(row, reading)) is None:
            raise InputError("id: missing")
        hashed = item_hash(item)
        if hashed in self._good and (once or product.is_feed(row)):
            raise InputError(_REPEATED)
        self._refused.add(hashed)
        patch = _patch(product.fields(row, reading))
        self._refused.discard(hashed)
        self.repeated += hashed in self._good
        self._good.add(hashed)
        if self._whole and patch.available is msgspec.UNSET:
            return msgspec.structs.replace(patch, available=None)
        return patch

    def _refuse_broken(self, broken: Broken) -> None:
        self._refuse(broken.line, broken.reason, broken.text)

    def _refuse(self, line: int, reason: str, row: Any) -> None:
        self._bad.add(line, reason, row)
        self.rejected[reason] += 1


def _patch(fields: dict[str, Any]) -> ItemPatch:
    """The change that `fields` are; InputError with the field and what is wrong with it."""
    try:
        patch = msgspec.convert(fields, ItemPatch)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        told = plain(message)
        raise InputError(f"{place.strip('`$.') or 'row'}: {told[:1].lower()}{told[1:]}") from error
    check_size(patch)
    return patch
