"""`etappe ropo`: what the log says of research online and purchases in stores."""

from typing import Annotated

import polars as pl
from cyclopts import Parameter
from cyclopts.validators import Number

from etappe.cli import show
from etappe.cli.learning.models import learnable_in
from etappe.cli.options import HERE, Where
from etappe.reports import ropo as research
from etappe.reports.ropo import Line, Report
from etappe.store.config import catalogues
from etappe.wiring.store import Opened, opened
from etappe.worker.archiving.archive import archive


def ropo(
    *,
    days: Annotated[int, Parameter(help="How far back research counts.", validator=Number(gte=1))] = 30,
    json: Annotated[bool, Parameter(help="Print the report as JSON.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Research online, purchase offline: the share of store purchases that customers looked at online before."""
    with opened(where.place()) as here:
        archive(here.client, here.log)
        report = research.report(learnable_in(here), _categories(here), days)
    show.as_json(report) if json else _show(report)


def _categories(here: Opened) -> pl.DataFrame:
    catalogue, _ = catalogues.load(here.client, here.place.data)
    rows = [(item.id, item.category) for item in catalogue.items()]
    return pl.DataFrame(rows, schema={"item_id": pl.String, "category": pl.String}, orient="row")


def _show(report: Report) -> None:
    title = f"lines bought in stores, and what was looked at online at most {report.days} days before"
    columns = ("category", "bought", "customer known", "this item", "this category", "anything", "share")
    show.table(title, columns, [_row(line) for line in (*report.lines, report.total)])


def _row(line: Line) -> tuple[object, ...]:
    share = "" if line.share is None else f"{line.share:.1%}"
    counts = (line.purchases, line.identified, line.same_item, line.same_category, line.any_item)
    return (line.category or "(none)", *counts, share)
