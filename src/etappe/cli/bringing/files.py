"""`etappe import`, `import-items`: files in."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from etappe import importing
from etappe.cli import progress, show
from etappe.cli.options import HERE, Where
from etappe.errors import InputError
from etappe.importing.catalogue.missing import Whole
from etappe.importing.formats.registry import Format
from etappe.importing.judging.report import ImportReport, ItemsReport
from etappe.importing.judging.spelling import UNSTATED, Stated
from etappe.importing.mapping import items, mapping, targets, translating
from etappe.importing.reading.files import named
from etappe.progress import Progress
from etappe.store.identities import tombstones
from etappe.store.identities.linking import Linker
from etappe.wiring.store import Opened, opened
from etappe.worker.rebuilding import rebuild
from etappe.worker.run import compile_catalogue

NOTHING_DONE = 1
MAPPED = "map"
"""The format's name of files that are read by a mapping."""
_DATES = (
    "Whether 01/12/2026 is in December (dmy) or January (mdy), where the file does not tell; excel: days as numbers."
)
_DECIMALS = "Whether 1.299 has a decimal point or comma, where the file does not tell."

Encoding = Annotated[
    str | None, Parameter(help="How text is encoded, as cp1250, where the file does not tell.", show_default=False)
]


def import_events(
    *files: Annotated[Path, Parameter(required=True)],
    format: Annotated[str, Parameter(help="native, online-retail, rees46, segment or ga4.")] = "native",  # noqa: A002
    map: Annotated[Path | None, Parameter(help="What the columns of any other file are: see `etappe look`.")] = None,  # noqa: A002
    dates: Annotated[Literal["dmy", "mdy", "excel"] | None, Parameter(help=_DATES)] = None,
    decimals: Annotated[Literal["point", "comma"] | None, Parameter(help=_DECIMALS)] = None,
    strict: Annotated[bool, Parameter(help="Fail where any row was rejected.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print the report as JSON.", negative="")] = False,
    encoding: Encoding = None,
    where: Where = HERE,
) -> int:
    """Import events: CSV, spreadsheets, JSON or Parquet; plain, .gz, .zst or .zip; several files, and patterns.

    All of them come in or nothing does. A second import of a file adds nothing.
    """
    if map is not None and (dates or decimals):
        raise InputError(f"--dates and --decimals stand in {map}, under [file]; leave them out here", field="map")
    mapped = None if map is None else translating.format_of(mapping.load(map, targets.EVENTS))
    with opened(where.place()) as here, progress.shown() as shown:
        stated, name = Stated(dates, decimals), format if mapped is None else MAPPED
        report = import_into(here, files, name, shown, stated, mapped, encoding=encoding)
    return told(report, strict=strict, json=json)


def told(report: ImportReport, *, strict: bool, json: bool) -> int:
    """Shows what an import did; the exit code, 1 where nothing came in or, if `strict`, not all."""
    show.as_json(report) if json else _show_import(report)
    added_or_known = sum(report.events.values()) + report.duplicates
    failed = (report.rejected and strict) or (report.rows and not added_or_known)
    if failed:
        told_in = f"rows were rejected; {report.rejected_file} says which and why"
        show.complain(
            told_in if report.rejected_file else "no row came in: all of them were left out, as counted above"
        )
    return NOTHING_DONE if failed else 0


def import_into(
    here: Opened,
    files: Path | Sequence[Path],
    format_name: str,
    shown: Progress,
    stated: Stated = UNSTATED,
    form: Format | None = None,
    *,
    encoding: str | None = None,
) -> ImportReport:
    """Imports a file, or several, of a format by its name or as `form` reads them.

    Customers' records and the catalogue are brought up to them.
    """
    report = importing.import_events(
        files,
        format_name,
        log=here.log,
        secret=here.secret,
        settings=here.settings,
        rejected=here.place.data / "rejected",
        upsert=here.upsert,
        known_items=here.known_items(),
        add_stubs=here.add_stubs,
        tombstones=tombstones.in_redis(here.client),
        encoding=encoding,
        progress=shown,
        stated=stated,
        read_as=form,
    )
    if len(report.subjects):  # of a repeated import too: the first may have been broken off before this
        Linker(here.client, here.secret, here.settings).link(report.claims)
        rebuild(here.client, here.log, report.subjects, here.settings, shown)
    if report.items:
        compile_catalogue(here.client, here.log, here.place)
    return report


def import_items(
    *files: Annotated[Path, Parameter(required=True)],
    map: Annotated[Path | None, Parameter(help="What the columns are: see `etappe look`.")] = None,  # noqa: A002
    whole: Annotated[
        bool, Parameter("--all", help="This is all there is: what it lacks is no longer available.", negative="")
    ] = False,
    force: Annotated[bool, Parameter(help="With --all: however much is lacking.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print the report as JSON.", negative="")] = False,
    encoding: Encoding = None,
    where: Where = HERE,
) -> int:
    """Import the catalogue: CSV, spreadsheets, JSON, Parquet or a product feed; plain, .gz, .zst or .zip.

    Items that are there already are changed. What the columns mean is told by their names.
    """
    by = None if map is None else mapping.load(map, targets.ITEMS)
    with opened(where.place()) as here, progress.shown() as shown, contextlib.ExitStack() as stack:
        if by is not None:
            zone, given = here.settings.catalogue.time_zone, named(files, encoding)
            files = tuple(stack.enter_context(items.translated(file, by, zone)) for file in given)
        all_there_is = Whole(here.missing, here.settings.catalogue.most_gone, force) if whole else None
        report = items_into(here, files, shown, all_there_is, encoding=encoding)
    show.as_json(report) if json else _show_items(report)
    if report.rows and not report.items:
        show.complain(f"all rows were rejected; {report.rejected_file} says why")
        return NOTHING_DONE
    return 0


def items_into(
    here: Opened,
    files: Path | Sequence[Path],
    shown: Progress,
    whole: Whole | None = None,
    *,
    encoding: str | None = None,
) -> ItemsReport:
    """Imports a catalogue, of one file or several, and compiles it."""
    report = importing.import_items(
        files,
        upsert=here.upsert,
        rejected=here.place.data / "rejected",
        settings=here.settings,
        progress=shown,
        whole=whole,
        encoding=encoding,
    )
    compile_catalogue(here.client, here.log, here.place)
    return report


def _show_import(report: ImportReport) -> None:
    rows: list[tuple[str, object]] = [("rows in the file", report.rows)]
    rows += [(f"added: {name}", count) for name, count in report.events.items()]
    rows += [(f"of these left out of records and models: {flag}", count) for flag, count in report.flagged.items()]
    rows += [("known already", report.duplicates)]
    rows += [(f"rejected: {reason}", count) for reason, count in report.rejected.items()]
    rows += [(f"skipped: {reason} ({one.revenue})", one.rows) for reason, one in report.skipped.items()]
    rows += [("traits derived", report.derived), ("items", report.items), ("customers", report.customers)]
    show.table("", ("import", "count"), rows)
    revenue = report.revenue
    parts = f"purchases {revenue.purchases}, refunds {revenue.refunds}, skipped {revenue.skipped}"
    show.result(f"revenue {revenue.total}: {parts}, rejected {revenue.rejected}")
    pace = report.rows / max(report.seconds, 0.001)
    _show_remarks(report.remarks)
    show.result(f"{report.seconds:.1f} s, {pace:,.0f} rows/s; the log is at position {report.position}")
    for name, said in report.told.items():
        show.result(f"{name}: {said}")
    for one in report.doubtful:
        show.result(one.told())
    if report.rejected_file:
        show.result(f"rejected rows: {report.rejected_file}")


def _show_items(report: ItemsReport) -> None:
    rows = [("rows in the file", report.rows), ("items", report.items)]
    rows += [("no longer available, as the file lacks them", report.gone)] if report.gone else []
    rows += [("ids that came more than once, the last of which counts", report.repeated)] if report.repeated else []
    rows += [(f"rejected: {reason}", count) for reason, count in report.rejected.items()]
    show.table("", ("import", "count"), rows)
    if report.read_as:
        show.result("columns: " + ", ".join(f"{name} as {field}" for name, field in report.read_as.items()))
    _show_remarks(report.remarks)
    if report.rejected_file:
        show.result(f"rejected rows: {report.rejected_file}")


def _show_remarks(remarks: list[str]) -> None:
    for remark in remarks:
        show.result(f"note: {remark}")
