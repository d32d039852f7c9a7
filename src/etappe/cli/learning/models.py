"""`etappe train`, `evaluate`, `publish`, `rollback`: from the log to what is served."""

from typing import Annotated, Final

import polars as pl
from cyclopts import Parameter

from etappe.catalog.item import Item
from etappe.cli import progress, show
from etappe.cli.options import HERE, Where
from etappe.errors import DataError, InputError
from etappe.evaluation.report import Report
from etappe.evaluation.run import SERVED
from etappe.evaluation.run import evaluate as run_evaluation
from etappe.models.snapshot import Snapshot
from etappe.progress import Progress
from etappe.store.config import catalogues, snapshots
from etappe.store.identities import erasure
from etappe.store.logged import learning_rows
from etappe.training import gate
from etappe.training.fit import fit_snapshot
from etappe.wiring.store import Opened, opened
from etappe.worker.archiving.archive import archive

EVALUATED_CUSTOMERS: Final = 1_000
"""Customers asked about when a training is evaluated for the gate."""
FEWEST_TESTED: Final = 50
"""With fewer customers a metric is chance, and would keep good snapshots from being published."""


def train(
    *,
    force: Annotated[bool, Parameter(help="Publish even where the gate sees a step back.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Train on the log: fit, evaluate, pass the gate, publish. Whoever serves swaps without dropping a request."""
    with opened(where.place()) as here, progress.shown() as shown:
        snapshot = train_in(here, shown, force=force)
    parameters, metrics = snapshot.parameters, snapshot.manifest.metrics
    show.result(
        f"snapshot {snapshot.version}: {len(snapshot.items):,} items, {parameters.customers:,} customers,"
        f" {parameters.orders:,} orders, {parameters.events:,} events; published"
    )
    if metrics:
        show.result(", ".join(f"{name} {value:.4f}" for name, value in metrics.items() if name.startswith(SERVED)))


def train_in(here: Opened, shown: Progress, *, force: bool) -> Snapshot:
    """Fits a snapshot to the log as of now, evaluates, gates and publishes it.

    Raises:
        GateError: it is not fit to be published; it is left in the data folder, the one in service stays.
    """
    archive(here.client, here.log)
    position = here.log.position()
    events = learnable_in(here, position)
    folder = here.place.data / snapshots.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    metrics = _metrics(here, events, shown)
    manifest = fit_snapshot(
        events, settings=here.settings, log_position=position, folder=folder, metrics=metrics, progress=shown
    )
    snapshot = gate.opened(folder / manifest.version)
    for overruled in gate.check(snapshot, _in_service(here), force=force):
        show.say(f"published all the same: {overruled}")
    shown("publishing", 0)
    snapshots.publish(here.client, folder / manifest.version)
    return snapshot


def _metrics(here: Opened, events: pl.LazyFrame, shown: Progress) -> dict[str, float]:
    """How well the same training foretells the log's last days; empty where the log is too short to tell."""
    try:
        report = run_evaluation(
            events,
            settings=here.settings,
            learn_from="all",
            items=_items(here),
            sample=EVALUATED_CUSTOMERS,
            progress=shown,
        )
    except InputError as error:
        show.say(f"not evaluated: {error}")
        return {}
    tested = report.line(SERVED).all.customers
    if tested < FEWEST_TESTED:
        show.say(f"not evaluated: of the log's last days only {tested} customers could be tested")
        return {}
    return report.metrics()


def _in_service(here: Opened) -> Snapshot | None:
    """The snapshot to compare with; one that cannot be read is nothing to compare with."""
    try:
        return snapshots.open_current(here.client, here.place.data)
    except DataError as error:
        show.say(f"the snapshot in service cannot be compared with: {error}")
        return None


def evaluate(
    *,
    test_days: Annotated[int, Parameter(help="Length of the test, at the end of the log.")] = 28,
    k: Annotated[int, Parameter(help="Length of the lists.")] = 10,
    learn_from: Annotated[str, Parameter(help="purchases, or all that customers did.")] = "purchases",
    json: Annotated[bool, Parameter(help="Print the report as JSON.", negative="")] = False,
    where: Where = HERE,
) -> None:
    """Evaluate on a temporal split: each source and the list served, repeat and new items apart."""
    with opened(where.place()) as here, progress.shown() as shown:
        archive(here.client, here.log)
        report = run_evaluation(
            learnable_in(here),
            settings=here.settings,
            test_days=test_days,
            k=k,
            learn_from="all" if learn_from == "all" else "purchases",
            items=_items(here),
            progress=shown,
        )
    show.as_json(report) if json else _show(report)


def publish(version: str | None = None, *, where: Where = HERE) -> None:
    """Publish a snapshot of the data folder: the one named, or the newest."""
    with opened(where.place(), writes_log=False) as here:
        published = snapshots.publish_version(here.client, here.place.data, version)
    show.result(f"snapshot {published} is served")


def rollback(*, where: Where = HERE) -> None:
    """Serve the snapshot published before the current one."""
    with opened(where.place(), writes_log=False) as here:
        version = snapshots.rollback(here.client)
    show.result(f"snapshot {version} is served")


def learnable_in(here: Opened, position: int | None = None) -> pl.LazyFrame:
    """The log's events for learning: of products alone, as nobody took to postage."""
    unknown_denies = here.settings.consent.unknown == "deny"
    rows = learning_rows.events(
        here.log,
        erasure.pending(here.client),
        unknown_denies=unknown_denies,
        orders_per_day=here.settings.traffic.orders_per_day,
        position=position,
    )
    catalogue, _ = catalogues.load(here.client, here.place.data)
    none = catalogue.no_products()
    return rows.filter(~pl.col("item_id").is_in(none).fill_null(value=False)) if none else rows


def _items(here: Opened) -> list[Item]:
    catalogue, _ = catalogues.load(here.client, here.place.data)
    return list(catalogue.items())


def _show(report: Report) -> None:
    rows = [
        (line.name, *(value for part in (line.all, line.new) for value in (part.recall, part.ndcg, part.coverage)))
        for line in report.lines
    ]
    k = report.k
    columns = ("source", *(f"{part}: {name}@{k}" for part in ("all", "new") for name in ("Recall", "NDCG", "Coverage")))
    first = report.lines[0]
    show.table("", columns, rows)
    show.result(
        f"learned from {report.customers:,} customers x {report.items:,} items ({report.pairs:,} pairs) up to"
        f" {report.cut:%Y-%m-%d %H:%M}; tested on {first.all.customers:,} customers, {first.new.customers:,} with new"
        f" items, over the {report.test_days} days after"
    )
