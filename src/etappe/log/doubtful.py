"""Ids that look as if they were nobody's: only the shop knows whether they are."""

from typing import Final

import msgspec
import polars as pl

from etappe.values.ids import DOUBTFUL

DOZENS: Final = 24
"""Browsers or e-mail addresses that no one person has."""
MOST: Final = 20
"""Ids that are named at most."""
SETTING: Final = "values.also_nobody"
_EMAIL: Final = "$.identities.email_sha256"


class Doubtful(msgspec.Struct, frozen=True, omit_defaults=True):
    """An id, of which kind, in how many events, and with how many browsers or addresses where it has dozens."""

    kind: str
    id: str
    events: int
    browsers: int = 0
    emails: int = 0

    def told(self) -> str:
        """It in words, with the remedy."""
        more = [f"{count:,} {name}" for count, name in ((self.browsers, "browsers"), (self.emails, "e-mails")) if count]
        return (
            f"{self.kind} {self.id!r} looks like nobody's: {', '.join([f'{self.events:,} events', *more])};"
            f" if it is, add it to {SETTING}"
        )


def ids(events: pl.LazyFrame) -> list[Doubtful]:
    """The doubtful ids of `events` (user_id, anonymous_id, properties), those of most events first, at most `MOST`."""
    looking = [_looking(events, kind) for kind in ("user_id", "anonymous_id")]
    found = pl.concat([*looking, _shared(events)]).collect(engine="streaming")
    merged = found.group_by("kind", "id").agg(pl.col("events", "browsers", "emails").max())
    rows = merged.sort("events", "id", descending=[True, False]).head(MOST).iter_rows(named=True)
    return [Doubtful(**row) for row in rows]


def _looking(events: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Ids that are words or numbers for nobody."""
    some = events.filter(pl.col(kind).str.to_lowercase().is_in(sorted(DOUBTFUL)))
    return (
        some.group_by(pl.col(kind).alias("id"))
        .agg(_count(), _none("browsers"), _none("emails"))
        .select(*_columns(kind))
    )


def _shared(events: pl.LazyFrame) -> pl.LazyFrame:
    """Users with dozens of browsers or addresses."""
    address = pl.col("properties").str.json_path_match(_EMAIL).alias("email")
    known = events.filter(pl.col("user_id").is_not_null()).select(
        pl.col("user_id").alias("id"), "anonymous_id", address
    )
    pairs = known.group_by("id", "anonymous_id", "email").agg(_count())
    counted = pairs.group_by("id").agg(
        pl.col("events").sum(),
        pl.col("anonymous_id").drop_nulls().n_unique().cast(pl.Int64).alias("browsers"),
        pl.col("email").drop_nulls().n_unique().cast(pl.Int64).alias("emails"),
    )
    dozens = [pl.when(pl.col(name) >= DOZENS).then(name).otherwise(0).alias(name) for name in ("browsers", "emails")]
    return counted.with_columns(dozens).filter(pl.col("browsers") + pl.col("emails") > 0).select(*_columns("user_id"))


def _count() -> pl.Expr:
    return pl.len().cast(pl.Int64).alias("events")


def _none(name: str) -> pl.Expr:
    return pl.lit(0, pl.Int64).alias(name)


def _columns(kind: str) -> list[pl.Expr]:
    return [pl.lit(kind).alias("kind"), *(pl.col(name) for name in ("id", "events", "browsers", "emails"))]
