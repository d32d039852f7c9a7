"""What stays of the log's rows when customers are erased.

The rows of their subjects go. Rows of others stay, but for what names one of those who are erased: an id of theirs
where ids of that kind stand, the payload that has one there, and in texts what is unmistakably theirs.
"""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

import polars as pl

from etappe.customers.identity import ERASE
from etappe.events.identities import ANONYMOUS
from etappe.events.naming.sought import NAMING, Search
from etappe.ids import Subject, browser_of, subject_of
from etappe.log import schema
from etappe.store.identities import erased_rows
from etappe.store.identities.erasure import Erasure
from etappe.worker.erasing.naming import Erased

_OF_EVENTS: Final = ("subject", "event", "received")
_IN_RECORDS: Final = 2
"""The first columns of NAMING: a record is made of them, and of no payload."""
Taken = Counter[tuple[str, str]]
"""How often something was taken out, by receipt and sort."""


class Keeper:
    """What stays of the rows of a table; it counts what it took from others, and remembers whose records had it.

    Those are customers and, by subjects of their own, linked browsers: a browser has all that named it without proof.
    """

    def __init__(
        self, erasures: list[Erasure], erased: Erased, secret: bytes, touching: Callable[[Collection[Subject]], None]
    ) -> None:
        self.taken: Taken = Counter()
        self.touched: set[Subject] = set()
        self._erasures = erasures
        self._erased = erased
        self._secret = secret
        self._touching = touching
        since = {subject: one.since for one in erasures for subject in one.subjects}
        self._since = pl.Series([moment * 1000 for moment in since.values()], dtype=pl.Int64).cast(schema.TIME)
        self._subjects = pl.Series(list(since), dtype=pl.Binary)

    def keep(self, table: str, rows: pl.DataFrame) -> pl.DataFrame | None:
        """The rows that stay, changed where they must be; None where all stay as they are."""
        kept = {"event": self._events, "identity": self._identities, "decision": self._decisions}.get(table)
        after = kept(rows) if kept else rows
        return None if after.height == rows.height and after.equals(rows) else after

    def _events(self, rows: pl.DataFrame) -> pl.DataFrame:
        mine = erased_rows.visible(rows.lazy(), self._erasures).collect()
        said = pl.any_horizontal(pl.col(NAMING).is_not_null())
        places = mine.select(said & self._early("received")).to_series().arg_true()
        left: list[tuple[str | None, ...]] = []
        touched: set[Subject] = set()
        for subject, event, received, *told in mine[places].select(*_OF_EVENTS, *NAMING).iter_rows():
            search = Search(self._erased, received)
            left.append(search.left(event, *told))
            self.taken.update(search.taken)
            if left[-1][:_IN_RECORDS] != tuple(told[:_IN_RECORDS]):
                touched |= self._having(subject, told[0])
        gone = rows.filter(self._theirs("subject", "received")).select("anonymous_id").unique().drop_nulls()
        self._touch(touched | {self._browser(one) for one in gone["anonymous_id"]})
        return mine.with_columns(
            mine[name].clone().scatter(places, pl.Series([each[at] for each in left], dtype=pl.String))
            for at, name in enumerate(NAMING)
        )

    def _having(self, subject: bytes | None, anonymous_id: str | None) -> set[Subject]:
        """Whose records may have what a row said that named these."""
        whose = {Subject(subject)} if subject else set()
        return whose | ({self._browser(anonymous_id)} if anonymous_id else set())

    def _browser(self, anonymous_id: str) -> Subject:
        return browser_of(subject_of(self._secret, ANONYMOUS, anonymous_id))

    def _touch(self, subjects: set[Subject]) -> None:
        if subjects:
            self.touched |= subjects
            self._touching(subjects)

    def _identities(self, rows: pl.DataFrame) -> pl.DataFrame:
        theirs = self._theirs("subject") | self._theirs("customer")
        return rows.filter(~theirs | (pl.col("action") == ERASE))

    def _decisions(self, rows: pl.DataFrame) -> pl.DataFrame:
        others = rows.filter(~self._theirs("subject"))
        records = [self._record(text, time) for text, time in others.select("record", "time").iter_rows()]
        return others.with_columns(pl.Series("record", records, dtype=pl.String))

    def _record(self, text: str | None, time: datetime) -> str | None:
        search = Search(self._erased, time)
        left = text and search.text(text)
        self.taken.update(search.taken)
        return left

    def _early(self, moment: str) -> pl.Expr:
        """Whether a row is from before the last erasure."""
        return (pl.col(moment) <= self._since.max()).fill_null(value=False)

    def _theirs(self, column: str, moment: str = "time") -> pl.Expr:
        """Whether a row is about an erased subject, and from before that: who came back is another customer."""
        erased = pl.col(column).replace_strict(self._subjects, self._since, default=None, return_dtype=schema.TIME)
        return (pl.col(moment) <= erased).fill_null(value=False)
