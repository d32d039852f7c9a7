"""What an import did, in numbers that reconcile."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec
import polars as pl

from etappe.customers.identity import Claim
from etappe.log.doubtful import Doubtful
from etappe.values.money import MICRO

UNKNOWN: Final = "(none)"
"""What stands for the currency of amounts that name none."""
SEVERAL: Final = 2


class Skipped(msgspec.Struct, frozen=True):
    """Rows left out for a stated reason, and the revenue in them (exact decimal; of several currencies each)."""

    rows: int
    revenue: str


class Revenue(msgspec.Struct, frozen=True, kw_only=True):
    """Exact decimals of quantity x price over the file, duplicates included; `refunds` is negative.

    `total` is summed before any row is judged, and equals the other four together. Currencies are never summed: where
    there are several, each text has all of them, as in "12.00 EUR, 3.50 USD".
    """

    purchases: str
    refunds: str
    skipped: str
    rejected: str
    total: str


class ImportReport(msgspec.Struct, kw_only=True, dict=True):
    """The outcome of an import: `rows == sum(events) + duplicates + sum(rejected) + sum(skipped)`.

    `events` counts newly added rows by event name, `flagged` those among them that are left out of records, popularity
    and training, by why, `derived` the newly added events that no row of the file stands
    for (a country as a trait), `items` those put into the catalogue, `customers` the identified subjects of the file,
    new or not. `told` says of columns how values were read that left something open, and why; `doubtful` names ids that
    may be nobody's. `remarks` are sentences on how files were read. `position` is the log's position afterwards,
    `rejected_file` where rejected rows lie.
    """

    rows: int
    events: dict[str, int]
    flagged: dict[str, int] = {}
    derived: int
    duplicates: int
    rejected: dict[str, int]
    skipped: dict[str, Skipped]
    remarks: list[str] = []
    revenue: Revenue
    revenue_by_currency: dict[str, Revenue] = {}
    told: dict[str, str] = {}
    doubtful: list[Doubtful] = []
    items: int = 0
    customers: int
    seconds: float = 0.0
    rejected_file: str | None
    position: int = 0

    @property
    def subjects(self) -> pl.Series:
        """Binary series, each identified subject of the file once: whose records must be rebuilt. Not in the JSON."""
        subjects: pl.Series = self.__dict__.get("_subjects", pl.Series("subject", [], pl.Binary))
        return subjects

    @property
    def claims(self) -> list[Claim]:
        """What the rows of the file say of who is whom. Not in the JSON."""
        claims: list[Claim] = self.__dict__.get("_claims", [])
        return claims

    def keep_claims(self, claims: list[Claim]) -> None:
        """Sets `claims`."""
        self.__dict__["_claims"] = claims

    def keep_subjects(self, subjects: pl.Series) -> None:
        """Sets `subjects`."""
        self.__dict__["_subjects"] = subjects


class ItemsReport(msgspec.Struct, kw_only=True, frozen=True):
    """The outcome of a catalogue import: `rows == items + sum(rejected)`; a repeated id is a later patch.

    `repeated` counts these, `gone` the items that are no longer available as a file that is all there is does not name
    them. `read_as` says what columns were taken for that are not called so, as far as there are rows that have them.
    `remarks` are sentences on how the files were read, and on ids that repeat or look damaged.
    """

    rows: int
    items: int
    repeated: int = 0
    gone: int = 0
    read_as: dict[str, str] = {}
    rejected: dict[str, int]
    remarks: list[str] = []
    seconds: float
    rejected_file: str | None


def decimals(micro: Mapping[str, int]) -> str:
    """Amounts by currency as text; with the currencies where there are several."""
    present = {code: amount for code, amount in micro.items() if amount}
    if len(present) < SEVERAL:
        return decimal(sum(present.values()))
    return ", ".join(f"{decimal(amount)} {code or UNKNOWN}" for code, amount in sorted(present.items()))


def decimal(micro: int) -> str:
    """`micro` millionths as an exact decimal with at least two places: 9747747934000 is "9747747.934"."""
    whole, _, places = f"{Decimal(micro) / MICRO:.6f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
