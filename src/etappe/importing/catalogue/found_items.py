"""The items that the rows of an import tell of: for each, the latest of every fact."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from etappe.catalog.item import ItemPatch
from etappe.catalog.stubs import LONGEST

_FACTS: Final = ("title", "category", "brand", "url", "image", "price")
_ORDER: Final = ["time", "line"]


class FoundItems:
    """Facts by item, in memory by the number of items, not of rows."""

    def __init__(self) -> None:
        self._seen = pl.DataFrame(schema={"item_id": pl.String})
        self._facts: dict[str, pl.DataFrame] = {}

    def note(self, rows: pl.DataFrame) -> None:
        """Takes in `rows`: item_id, time, line, and any of title, category, brand, price (with currency).

        Of each fact the latest by time and line that is not null counts, in whatever order rows come.
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
        """One row an item, sorted by id: item_id, title, category, brand, price, currency; null where unknown."""
        table = self._seen
        for facts in self._facts.values():
            table = table.join(facts.drop(_ORDER), on="item_id", how="left")
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
        self._facts[fact] = latest.unique("item_id", keep="last", maintain_order=False)
