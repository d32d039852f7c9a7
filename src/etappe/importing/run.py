"""`etappe import`: a file of events into the log and the catalogue, whole or not at all."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from etappe import zones
from etappe.catalog.item import ItemPatch
from etappe.importing.catalogue import items
from etappe.importing.catalogue.found_items import FoundItems
from etappe.importing.catalogue.items import Upsert
from etappe.importing.entering import entry, spool
from etappe.importing.entering.entry import Entered
from etappe.importing.entering.spool import Spool
from etappe.importing.formats import registry, several
from etappe.importing.formats.intake import Intake
from etappe.importing.formats.registry import Format
from etappe.importing.judging import identify, persons, refunds, rejected_file, traffic
from etappe.importing.judging.erased import Erased
from etappe.importing.judging.ledger import Ledger
from etappe.importing.judging.rejected_file import RejectedFile
from etappe.importing.judging.report import ImportReport
from etappe.importing.judging.spelling import UNSTATED, Spelling, Stated
from etappe.importing.reading import failures, files
from etappe.log import Log, doubtful
from etappe.progress import Progress, silent
from etappe.settings import Settings
from etappe.store.identities.tombstones import Tombstone

KnownItems = Callable[[list[str]], set[str]]


def import_events(
    path: Path | Sequence[Path],
    format_name: str,
    *,
    log: Log,
    secret: bytes,
    settings: Settings,
    rejected: Path,
    upsert: Upsert,
    progress: Progress = silent,
    known_items: KnownItems | None = None,
    add_stubs: Upsert | None = None,
    tombstones: Iterable[Tombstone] = (),
    stated: Stated = UNSTATED,
    encoding: str | None = None,
    read_as: Format | None = None,
) -> ImportReport:
    """Brings the events of `path`, one file or several, into the log, and their items into the catalogue by `upsert`.

    The log has nothing of it before it has all; a second import of the same file adds nothing, to the catalogue
    neither. Where a format says no more of an item than its id, only those that `known_items` does not return are
    upserted (all, where it is not given), by `add_stubs` where that is given. Rejected rows lie in the folder
    `rejected`. What happened to customers with `tombstones` before they were erased is left out. `stated` is said of
    values that the file leaves open, `encoding` is that of the files where it cannot be told, `read_as` how they are
    read where `format_name` is none of the registry.

    Raises:
        InputError: the format is unknown, or the file cannot be read as this format.
        EtappeError: the disk is full or may not be written.
    """
    form = read_as or registry.named(format_name)
    given = files.named([path] if isinstance(path, Path) else path, encoding)
    started, now = time.monotonic(), datetime.now(UTC)
    zones.zone_of(settings.catalogue.time_zone)
    source, zone = f"import:{format_name}", settings.catalogue.time_zone
    name = f"{files.title(given)}-{format_name}"
    gone = Erased(tombstones, secret)
    spelling = Spelling(settings.values.reading(), zone, now, stated)
    while True:
        with (
            failures.writing(),
            rejected_file.opened(rejected, name, gone.named_in) as bad,
            spool.opened(log.folder) as accepted,
        ):
            intake = Intake(zone, now, Ledger(bad), FoundItems(), spelling)
            for rows in several.read(form, given, intake):
                known = gone.without(identify.identified(rows, secret, format_name), intake.ledger)
                accepted.add(traffic.with_reasons(known))
                progress("reading rows", intake.ledger.rows)
            if spelling.is_to_be_read_again:
                spelling.again()
                continue
            spelling.check(given[0])
            with log.transaction(source) as into:
                entered = entry.enter(
                    accepted, log, into, source=source, received=now, settings=settings, progress=progress
                )
                patches = _patches(form, intake.items, known_items) if entered.anything else []
                items.upsert_all(patches, upsert if form.tells_items or add_stubs is None else add_stubs, progress)
                bad.keep()
            report = _report(intake.ledger, entered, accepted, bad)
            report.keep_claims(persons.claims(accepted.scan(), secret))
            report.told, report.doubtful = spelling.told(), doubtful.ids(accepted.scan())
            alone = refunds.alone(accepted.scan())
            break
    report.remarks = [*files.remarks(given), *([f"{alone:,} {refunds.ALONE}"] if alone else [])]
    report.items, report.position = len(patches), log.position()
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _patches(form: Format, found: FoundItems, known_items: KnownItems | None) -> list[ItemPatch]:
    known: set[str] = set() if form.tells_items or known_items is None else known_items(found.ids())
    return list(found.patches(known))


def _report(ledger: Ledger, entered: Entered, accepted: Spool, bad: RejectedFile) -> ImportReport:
    subjects = accepted.subjects()
    report = ImportReport(
        rows=ledger.rows,
        events=dict(entered.events.most_common()),
        flagged=dict(entered.flagged.most_common()),
        derived=entered.derived,
        duplicates=entered.duplicates,
        rejected=dict(ledger.rejected.most_common()),
        skipped=ledger.skipped(),
        revenue=ledger.revenue(),
        revenue_by_currency=ledger.revenue_by_currency(),
        customers=len(subjects),
        rejected_file=bad.kept,
    )
    report.keep_subjects(subjects)
    return report
