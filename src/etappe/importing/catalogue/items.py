"""`etappe import-items`: a catalogue file as partial changes of items."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from etappe.catalog.item import ItemPatch, check_size
from etappe.errors import InputError
from etappe.ids import item_hash
from etappe.importing.catalogue import item_rows, waiting_items
from etappe.importing.catalogue.item_rows import Kind
from etappe.importing.catalogue.waiting_items import WaitingItems
from etappe.importing.judging import rejected_file
from etappe.importing.judging.rejected_file import RejectedFile
from etappe.importing.judging.report import ItemsReport
from etappe.importing.reading import failures, files
from etappe.importing.reading.source import Source
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.zones import zone_of

Upsert = Callable[[list[ItemPatch]], None]

PATCHES_AT_ONCE: Final = 5_000

_FIELDS: Final = ItemPatch.__struct_fields__
_OBJECTS: Final = ("titles", "prices", "attributes")
_TIMES: Final = ("available_from", "available_until")
_REPEATED: Final = "id: an earlier item of the feed has it"


def import_items(
    path: Path | Sequence[Path],
    *,
    upsert: Upsert,
    rejected: Path,
    settings: Settings,
    progress: Progress = silent,
    encoding: str | None = None,
) -> ItemsReport:
    """Brings the items of `path`, one file or several, into the catalogue by `upsert`, in order, once all are read.

    Columns are the fields of an item; others become attributes. An empty cell changes nothing, a null in JSON takes
    the field back to its default. `encoding` is that of text that does not tell its own. What the
    attributes of a product feed become, `feed` says.

    Raises:
        InputError: there is no column `id`, or the file cannot be read, or is no feed.
        EtappeError: the disk is full or may not be written.
    """
    started = time.monotonic()
    zone = zone_of(settings.catalogue.time_zone)
    given = files.named([path] if isinstance(path, Path) else path, encoding)
    name = f"{files.title(given)}-items"
    with (
        failures.writing(),
        rejected_file.opened(rejected, name) as bad,
        waiting_items.opened(rejected) as patches,
    ):
        reader = _Reader(zone, datetime.now(UTC), bad, patches)
        for file in given:
            bad.begin(file if len(given) > 1 else None)
            reader.read(file, progress)
        upsert_all(patches, upsert, progress)
        bad.keep()
        return ItemsReport(
            rows=len(patches) + reader.rejected.total(),
            items=len(patches),
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
    def __init__(self, zone: tzinfo, now: datetime, bad: RejectedFile, patches: WaitingItems) -> None:
        self.rejected: Counter[str] = Counter()
        self._zone = zone
        self._now = now
        self._bad = bad
        self._patches = patches
        self._seen: set[int] = set()

    def read(self, source: Source, progress: Progress) -> None:
        """Keeps the good rows of `source`; the others are counted and written down."""
        kind = item_rows.KINDS[item_rows.kind_of(source)]
        for rows, broken in kind.read(source):
            refused: list[tuple[int, str, Any]] = [(one.line, one.reason, one.text) for one in broken]
            for line, row in rows:
                try:
                    self._patches.add(self._patch(row, kind))
                except InputError as error:
                    refused.append((line, str(error), row))
            self._refuse(refused)
            progress("reading items", len(self._patches) + self.rejected.total())

    def _patch(self, row: dict[str, Any], kind: Kind) -> ItemPatch:
        patch = _patch(kind.fields(row, self._zone, self._now), self._zone, strict=kind.typed)
        if kind.once:
            if (hashed := item_hash(patch.id)) in self._seen:
                raise InputError(_REPEATED)
            self._seen.add(hashed)
        return patch

    def _refuse(self, refused: list[tuple[int, str, Any]]) -> None:
        for line, reason, row in sorted(refused, key=lambda one: one[0]):
            self._bad.add(line, reason, row)
            self.rejected[reason] += 1


def _patch(row: dict[str, Any], zone: tzinfo, *, strict: bool) -> ItemPatch:
    """The change that `row` says; InputError with the field and what is wrong with it."""
    if row.get("id") is None:
        raise InputError("id: missing")
    fields = {name: _unpacked(name, value) for name, value in row.items() if name in _FIELDS}
    others = {name: value for name, value in row.items() if name not in _FIELDS}
    own = fields.get("attributes")
    if others and (own is None or isinstance(own, dict)):
        fields["attributes"] = others | (own or {})
    try:
        patch = msgspec.convert(fields, ItemPatch, strict=strict)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise InputError(f"{place.strip('`$.') or 'row'}: {message[:1].lower()}{message[1:]}") from error
    check_size(patch)
    return msgspec.structs.replace(patch, **_aware(patch, zone))


def _unpacked(name: str, value: Any) -> Any:
    """Cells of CSV hold objects as JSON."""
    if name not in _OBJECTS or not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InputError(f"{name}: not a JSON object") from error


def _aware(patch: ItemPatch, zone: tzinfo) -> dict[str, datetime]:
    """The times of `patch` that name no zone, in the shop's."""
    said = {name: getattr(patch, name) for name in _TIMES}
    naive = {name: time for name, time in said.items() if isinstance(time, datetime) and time.tzinfo is None}
    return {name: time.replace(tzinfo=zone) for name, time in naive.items()}
