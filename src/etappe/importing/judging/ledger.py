"""Where every row of an import is accounted for."""

from collections import Counter, defaultdict
from pathlib import Path

import polars as pl

from etappe.importing.judging import amounts
from etappe.importing.judging.rejected_file import RejectedFile
from etappe.importing.judging.report import UNKNOWN, Revenue, Skipped, decimal, decimals
from etappe.importing.reading.batch import Batch, Broken


class Ledger:
    """Counts rows and money as they are read, and writes down what is rejected."""

    def __init__(self, rejected: RejectedFile) -> None:
        self.rows = 0
        self.rejected: Counter[str] = Counter()
        self._file = rejected
        self._skipped: Counter[str] = Counter()
        self._skipped_money: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._money: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def begin(self, file: Path | None) -> None:
        """Names the file whose rows are booked next, where there are several."""
        self._file.begin(file)

    def book(self, batch: Batch, judged: pl.DataFrame) -> pl.DataFrame:
        """Books every row of `batch` and returns the accepted ones of `judged`, which has its rows in the same order.

        `judged` says by `reason` why a row is rejected, else by `skip` (optional) why it is left out, and has its
        `amount` (Int128 millionths, negative for a refund).
        """
        self.rows += judged.height + len(batch.broken)
        self._add("total", judged)
        bad = judged["reason"].is_not_null()
        if batch.broken or bad.any():
            self._reject(batch, judged, bad)
        rest = judged.filter(~bad).drop("reason")
        if "skip" in rest.columns:
            self._skip(rest.filter(pl.col("skip").is_not_null()))
            rest = rest.filter(pl.col("skip").is_null()).drop("skip")
        self._sell(rest)
        return rest.drop("amount")

    def leave_out(self, rows: pl.DataFrame, reason: str) -> None:
        """Books accepted `rows` (event, `amount` in Int128 millionths) as left out after all."""
        self._sell(rows, -1)
        self._skip(rows.with_columns(pl.lit(reason).alias("skip")))

    def skipped(self) -> dict[str, Skipped]:
        """Rows and revenue left out, by reason, most rows first."""
        return {
            reason: Skipped(rows, decimals(self._skipped_money[reason])) for reason, rows in self._skipped.most_common()
        }

    def revenue(self) -> Revenue:
        """The money of all rows read so far."""
        sums = {name: decimals(self._sums()[name]) for name in Revenue.__struct_fields__}
        return Revenue(**sums)

    def revenue_by_currency(self) -> dict[str, Revenue]:
        """The same for each currency."""
        sums = self._sums()
        codes = sorted({code for money in sums.values() for code in money})
        return {
            code or UNKNOWN: Revenue(**{name: decimal(sums[name][code]) for name in Revenue.__struct_fields__})
            for code in codes
        }

    def _sums(self) -> dict[str, Counter[str]]:
        skipped: Counter[str] = Counter()
        for money in self._skipped_money.values():
            skipped.update(money)
        return {name: self._money[name] for name in Revenue.__struct_fields__} | {"skipped": skipped}

    def _add(self, name: str, rows: pl.DataFrame, times: int = 1) -> None:
        for code, micro in amounts.by_currency(rows).items():
            self._money[name][code] += times * micro

    def _reject(self, batch: Batch, judged: pl.DataFrame, bad: pl.Series) -> None:
        self._add("rejected", judged.filter(bad))
        reasons = judged["reason"].filter(bad).to_list()
        rows = [
            (Broken(row.pop("line"), reason, ""), {name: cell for name, cell in row.items() if cell is not None})
            for reason, row in zip(reasons, batch.rows.filter(bad).iter_rows(named=True), strict=True)
        ]
        every = [*rows, *((broken, broken.text) for broken in batch.broken)]
        for broken, row in sorted(every, key=lambda pair: pair[0].line):
            self._file.add(broken.line, broken.reason, row)
            self.rejected[broken.reason] += 1

    def _skip(self, rows: pl.DataFrame) -> None:
        for (reason,), some in rows.group_by("skip"):
            self._skipped[str(reason)] += some.height
            self._skipped_money[str(reason)].update(amounts.by_currency(some))

    def _sell(self, rows: pl.DataFrame, times: int = 1) -> None:
        for event, name in (("purchase", "purchases"), ("refund", "refunds")):
            self._add(name, rows.filter(pl.col("event") == event), times)
