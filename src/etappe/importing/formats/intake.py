"""What every importer is given, the rules, the books and the items."""

from datetime import datetime

import msgspec
import polars as pl

from etappe.importing.catalogue.found_items import FoundItems
from etappe.importing.judging import checks
from etappe.importing.judging.ledger import Ledger
from etappe.importing.judging.spelling import Spelling
from etappe.importing.reading.batch import Batch


class Intake(msgspec.Struct, frozen=True):
    """The rules rows are judged by, the books they are entered in, and the items found in them."""

    zone: str
    now: datetime
    ledger: Ledger
    items: FoundItems
    spelling: Spelling

    def accepted(self, batch: Batch, native: pl.DataFrame) -> pl.DataFrame:
        """The good rows of `native`, which is `batch` in native form and order with its `amount`; the rest is booked.

        `native` may have a `reason` for rejection and a `skip` of its own; a skipped row is judged no further.
        """
        judged = checks.check(native, self.zone, self.now, self.spelling.reading.nobody)
        if "skip" in judged.columns:
            judged = judged.with_columns(pl.when(pl.col("skip").is_null()).then("reason").alias("reason"))
        return self.ledger.book(batch, judged)
