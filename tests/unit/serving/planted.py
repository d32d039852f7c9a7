"""A small shop whose right answers are obvious: three kinds of people who buy three kinds of things."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec
import polars as pl

from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue
from etappe.customers import records
from etappe.customers.state import Whole, fold_state
from etappe.events.vocabulary import TYPES
from etappe.log import as_rows
from etappe.models.snapshot import Snapshot
from etappe.serving.decide import Decision, decide
from etappe.serving.moment import Moment
from etappe.serving.request import DecideRequest
from etappe.serving.viewing.view import View
from etappe.settings import Settings
from etappe.training.fit import fit_snapshot

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When the snapshot was trained; decisions are made then or later."""
KINDS = ("coffee", "tea", "garden")
EACH = 6
"""Items of a kind: coffee-0 is bought by most, coffee-5 by fewest."""
CUSTOMERS = 40
"""People of a kind."""

SETTINGS = Settings()
Done = tuple[str, str, float]
"""Event, item, days before NOW (after it, where negative)."""


class Model:
    """A snapshot that prints as little, for tests that print what they were given."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot


def catalogue_items() -> list[Item]:
    """All items; every kind is a category with one below it."""
    return [
        Item(
            id=f"{kind}-{number}",
            title=f"{kind.title()} {number}",
            titles={"de": f"{kind.title()} Nr. {number}"},
            category=kind if number % 2 else f"{kind}/fine",
            price=float(number + 1),
            currency="EUR",
        )
        for kind in KINDS
        for number in range(EACH)
    ]


def purchases() -> list[tuple[str, str, str, float]]:
    """Customer, item, order, days before NOW: customer n of a kind buys its items 0 to (n mod 6), all in one order.

    Every tenth also buys the first item of the next kind, so that kinds are joined by something; every other coffee
    lover orders coffee-0 again, and nobody anything else.
    """
    rows: list[tuple[str, str, str, float]] = []
    for place, kind in enumerate(KINDS):
        for number in range(CUSTOMERS):
            who, order = f"{kind}-lover-{number}", f"{kind}-order-{number}"
            rows += [(who, f"{kind}-{item}", order, 10.0 + number % 7) for item in range(number % EACH + 1)]
            if number % 10 == 0:
                rows.append((who, f"{KINDS[(place + 1) % 3]}-0", f"{order}-b", 20.0))
            if kind == "coffee" and number % 2 == 0:
                rows.append((who, "coffee-0", f"{order}-c", 12.0))
    return rows


def event_table() -> pl.LazyFrame:
    """The log of the shop."""
    bought = purchases()
    return as_rows(
        "event",
        {
            "event_id": [f"e{number}" for number in range(len(bought))],
            "event": ["purchase"] * len(bought),
            "subject": [who.encode() for who, *_ in bought],
            "item_id": [item for _, item, *_ in bought],
            "order_id": [order for _, _, order, _ in bought],
            "time": [NOW - timedelta(days=days) for *_, days in bought],
        },
    ).lazy()


def trained(folder: Path, settings: Settings = SETTINGS) -> Snapshot:
    """The shop's snapshot, with few factors: there are three tastes."""
    learning = msgspec.structs.replace(settings.learning, factors=4, regularisation=0.1)
    few = msgspec.structs.replace(settings, learning=learning)
    manifest = fit_snapshot(event_table(), settings=few, now=NOW, log_position=1, folder=folder)
    return Snapshot.open(folder / manifest.version)


def overlaid(items: Iterable[Item]) -> Catalogue:
    """A catalogue of changes alone."""
    catalogue = Catalogue()
    for item in items:
        catalogue.apply(ItemPatch.of(item))
    return catalogue


def compiled(items: Iterable[Item], folder: Path) -> Catalogue:
    """A catalogue compiled into a folder and opened."""
    overlaid(items).compile(folder, folder.name, NOW.isoformat(), "1-0")
    return Catalogue.open(folder)[0]


_EVENT_IDS = count()


def state(done: Sequence[Done], half_life_days: float = 60.0) -> Whole:
    """The state of a customer who did these things."""
    tail = b""
    for event, item, days in done:
        made = TYPES[event](item_id=item)
        tail += records.encode(made, f"did-{next(_EVENT_IDS)}", NOW - timedelta(days=days))
    return fold_state(b"", tail, half_life_days)


class Asked:
    """A decision, and its answer as who asked decodes it."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.answer = decision.answer()


def moment(days: float = 0.0) -> Moment:
    """So many days after NOW."""
    return Moment(now=NOW.timestamp() + days * 86_400, decision=f"decision-{next(_EVENT_IDS)}", seed=1)


def ask(
    view: View, who: Whole | None = None, *, settings: Settings = SETTINGS, days: float = 0.0, **request: object
) -> Asked:
    """A decision `days` after NOW; one placement "p" unless others are named."""
    asked = msgspec.convert({"placements": [{"name": "p"}], **request}, DecideRequest)
    return Asked(decide(view, asked, who, settings, moment(days)))


def shown(asked: Asked, placement: str = "p") -> list[str]:
    """The ids in a placement."""
    return [item.id for item in asked.answer.placements[placement].items or []]
