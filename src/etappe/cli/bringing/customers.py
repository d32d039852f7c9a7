"""`etappe import-customers`: a table of customers in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from etappe import settings
from etappe.cli import progress, show
from etappe.cli.bringing import files
from etappe.cli.bringing.look import one_of
from etappe.cli.options import HERE, Where
from etappe.errors import InputError
from etappe.importing.mapping import customers, looking, mapping, targets
from etappe.importing.mapping.customers import AsOf
from etappe.importing.mapping.mapping import Mapping
from etappe.importing.reading import unpacked
from etappe.settings import Settings
from etappe.values import times
from etappe.values.unreadable import Unreadable
from etappe.wiring.store import opened
from etappe.zones import zone_of

NAME = "customers"
"""The format's name of tables of customers."""


def import_customers(
    file: Path,
    *,
    map: Annotated[Path | None, Parameter(help="What the columns are: see `etappe look`.")] = None,  # noqa: A002
    as_of: Annotated[str | None, Parameter(help="When the file was exported; without it the file's own time.")] = None,
    encoding: files.Encoding = None,
    strict: Annotated[bool, Parameter(help="Fail where any row was rejected.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print the report as JSON.", negative="")] = False,
    where: Where = HERE,
) -> int:
    """Import a table of customers, as a CRM exports it: traits, consents, identities, household and company.

    Columns are known by their names, or by a mapping. A second import of a file adds nothing.
    """
    file = one_of(file)
    own = settings.load(where.place().data)
    told = _guessed(file, own, encoding) if map is None else mapping.load(map, targets.CUSTOMERS)
    form = customers.format_of(told, _as_of(file, as_of, told.file.zone or own.catalogue.time_zone))
    with opened(where.place()) as here, progress.shown() as shown:
        report = files.import_into(here, file, NAME, shown, form=form, encoding=encoding)
    return files.told(report, strict=strict, json=json)


def _guessed(file: Path, own: Settings, encoding: str | None) -> Mapping:
    """What names and cells tell, which is said before anything is imported by it."""
    seen = looking.look(file, own, targets.CUSTOMERS, encoding=encoding, trying=False)
    if seen.mapping is None:
        raise InputError(
            f"{file}: to decide: {'; '.join(seen.draft.decisions)}; `etappe look {file} --kind customers` writes a"
            " mapping"
        )
    columns = (f"{name} -> {line.value or 'left out'}" for name, line in seen.draft.columns.items())
    show.say(f"columns: {', '.join(columns)}")
    return seen.mapping


def _as_of(file: Path, said: str | None, zone: str) -> AsOf:
    """When what the file says held: as stated, else when it was written last, which is the same the next time."""
    now = datetime.now(UTC)
    if said is None:
        written = (unpacked.archive_of(file) or file).stat().st_mtime
        return AsOf(min(datetime.fromtimestamp(int(written), UTC), now), stated=False)
    try:
        moment = times.read(said, zone=zone_of(zone))
    except Unreadable as error:
        raise InputError(f"--as-of: {error}", field="as_of") from error
    if moment > now:
        raise InputError(f"--as-of {said} is ahead of now; a file cannot say what is not yet", field="as_of")
    return AsOf(moment, stated=True)
