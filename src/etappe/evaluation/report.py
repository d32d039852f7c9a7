"""What an evaluation found: the facts alone, to be shown as a table, as JSON, or to be kept in a manifest."""

from datetime import datetime

import msgspec


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Means over `customers`; each between 0 and 1."""

    customers: int
    recall: float
    ndcg: float
    coverage: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How one source did. `all`: every item bought counts; `new`: only those the customer had not had before."""

    name: str
    all: Scores
    new: Scores


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation. `customers`, `items` and `pairs` are those learned from, bought before `cut`."""

    cut: datetime
    test_days: int
    k: int
    learned_from: str
    customers: int
    items: int
    pairs: int
    lines: list[Line]

    def line(self, name: str) -> Line:
        """The line of a source."""
        return next(line for line in self.lines if line.name == name)

    def metrics(self) -> dict[str, float]:
        """Recall and NDCG by name, as a snapshot's manifest keeps them and the gate compares them."""
        return {
            f"{line.name}.{kind}.{metric}": round(getattr(getattr(line, kind), metric), 6)
            for line in self.lines
            for kind in ("all", "new")
            for metric in ("recall", "ndcg")
        }
