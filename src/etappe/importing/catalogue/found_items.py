"""The items that the rows of an import tell of: for each, the latest of every fact, and what it usually costs."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from etappe.catalog.item import ItemPatch
from etappe.catalog.stubs import LONGEST

_FACTS: Final = ("title", "category", "brand", "url", "image", "price")
_ORDER: Final = ["time", "line"]
_RECENT: Final = 9
"""Lines whose prices tell what an item usually costs: one sold for less, or keyed in wrongly, does not."""


class FoundItems:
    """Facts by item, in memory by the number of items, not of rows."""

    def __init__(self) -> None:
        self._seen = pl.DataFrame(schema={"item_id": pl.String})
        self._facts: dict[str, pl.DataFrame] = {}

    def note(self, rows: pl.DataFrame) -> None:
        """Takes in `rows`: item_id, time, line, and any of title, category, brand, url, image, price (with currency).

        Of each fact the latest by time and line that is not null counts, in whatever order rows come; of prices the
        median of the last lines in the latest currency.
        """
        rows = rows.filter(pl.col("item_id").is_not_null()).sort(_ORDER)
        self._seen = pl.concat([self._seen, rows.select("item_id")]).unique()
        for fact in _FACTS:
            if fact in rows.columns:
                columns = [fact, "currency"] if fact == "price" else [fact]
                self._remember(fact, rows.select("item_id", *_ORDER, *columns).drop_nulls(fact))

    def ids(self) -> list[str]:
        """All items seen."""
        return self._seen["item_id"].to_list()

    def table(self) -> pl.DataFrame:
        """One row an item, sorted by id: item_id, title, category, ..., price, currency; null where unknown."""
        table = self._seen
        for fact, facts in self._facts.items():
            told = _usual(facts) if fact == "price" else facts.drop(_ORDER)
            table = table.join(told, on="item_id", how="left")
        kinds = {"price": pl.Float64}
        absent = [name for name in (*_FACTS, "currency") if name not in table.columns]
        none = [pl.lit(None, kinds.get(name, pl.String)).alias(name) for name in absent]
        return table.with_columns(none).select("item_id", *_FACTS, "currency").sort("item_id")

    def patches(self, known: set[str]) -> Iterator[ItemPatch]:
        """A patch for each item that is not `known`, with the facts there are; its id for a title where none is."""
        clipped = [pl.col(name).str.slice(0, length) for name, length in LONGEST.items()]
        for row in self.table().with_columns(clipped).iter_rows(named=True):
            item = row.pop("item_id")
            if item not in known:
                facts = {name: value for name, value in row.items() if value is not None}
                yield ItemPatch(id=item, **({"title": item} | facts))

    def _remember(self, fact: str, latest: pl.DataFrame) -> None:
        before = self._facts.get(fact)
        if before is not None:
            latest = pl.concat([before, latest]).sort(_ORDER)
        kept = 1 if fact != "price" else _RECENT
        self._facts[fact] = latest.group_by("item_id", maintain_order=True).tail(kept)


def _usual(prices: pl.DataFrame) -> pl.DataFrame:
    """`item_id`, `price` and `currency` of each item, of lines in order: the median of an odd number of the last.

    So it is a price that was paid, and of two the later one.
    """
    of_one = prices.sort(_ORDER).filter(pl.col("currency").eq_missing(pl.col("currency").last().over("item_id")))
    listed = of_one.group_by("item_id", maintain_order=True).agg("price", pl.col("currency").last())
    odd = pl.when(pl.col("price").list.len() % 2 == 0).then(pl.col("price").list.slice(1)).otherwise("price")
    return listed.with_columns(odd.list.median().alias("price"))
