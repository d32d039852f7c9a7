"""A simulated shop made ready to be measured: its events beside what is true of them."""

from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
import polars as pl

from etappe.simulation import Shop, Size, simulate
from etappe.simulation.parameters import STAGES, Parameters
from etappe.simulation.tables import Flags, Ints

END: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Of every story. It is fixed, so that a command has the same figures each time; a year of 365 days is that of 2025."""
SENT: Final = "other"
"""Mails the shop sent: the one kind of event that nobody but the shop made happen."""


class Sample(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One shop. Persons are rows of the truth's `people`."""

    shop: Shop
    told: pl.DataFrame
    """Events in order of arrival, with `person` (null for crawlers and staff), `stage`, and `at`, the true time."""
    events: pl.DataFrame
    """The same, each once, and by people only."""
    responses: pl.DataFrame
    """What was shown, with the truth about it: `true_click`, `stage`, and for pieces their `kind`."""

    @property
    def size(self) -> Size:
        """What the shop was made from."""
        return self.shop.size

    @property
    def parameters(self) -> Parameters:
        """What is true of the world."""
        return self.shop.story.world.parameters

    @property
    def members(self) -> Flags:
        """bool[people]: who has an account."""
        return self.shop.story.world.people.member

    def category(self) -> pl.DataFrame:
        """The category of each item."""
        return self.shop.truth.items.select("item_id", "category")


def make(customers: int, items: int, days: int, seed: int) -> Sample:
    """The shop of this size, ready to be measured."""
    shop = simulate(Size(customers=customers, items=items, days=days, seed=seed, end=END))
    truth = shop.truth.events.with_columns(pl.col("stage").cast(pl.Enum(STAGES)))
    told = shop.events.join(truth, on="event_id", how="left", maintain_order="left")
    events = told.filter(pl.col("person").is_not_null()).unique("event_id", keep="first", maintain_order=True)
    return Sample(shop=shop, told=told, events=events, responses=_responses(shop))


def _responses(shop: Shop) -> pl.DataFrame:
    kinds = {str(piece["id"]): str(piece["kind"]) for piece in shop.content}
    truth = shop.truth.responses.select("person", "stage", true_click="click")
    kind = pl.col("piece").replace_strict(kinds, default=None, return_dtype=pl.String)
    return pl.concat([shop.responses, truth], how="horizontal").with_columns(kind=kind)


def piece_kinds(sample: Sample) -> list[str]:
    """The kinds of pieces, in the world's order."""
    return list(sample.parameters.pieces.kinds)


def present_days(sample: Sample) -> Ints:
    """int64[people]: on how many days of the story each could come."""
    since = np.maximum(sample.shop.story.world.people.since, 0.0)
    return np.asarray(np.ceil(sample.size.days - since), dtype=np.int64)
