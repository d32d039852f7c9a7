"""Who did it and which event it is: subjects, and the ids of events that came without one."""

from hashlib import blake2b
from typing import Final

import polars as pl

from etappe.ids import subject_of
from etappe.importing.judging import persons
from etappe.importing.reading.batch import FILE

_ID_BYTES: Final = 16
_SEPARATOR: Final = "\x1f"
_NOTHING: Final = "\x00"
_CLAIM: Final = _SEPARATOR + "claim"
_CONTENT: Final = (
    "event", "user_id", "anonymous_id", "item_id", "quantity", "currency", "order_id", "channel", "properties",
)  # fmt: skip
_MILLIONTHS: Final = 1_000_000


def identified(rows: pl.DataFrame, secret: bytes, scope: str) -> pl.DataFrame:
    """Typed native `rows` with `subject` and `content`."""
    return with_content_ids(with_subjects(rows, secret), scope)


def with_subjects(rows: pl.DataFrame, secret: bytes) -> pl.DataFrame:
    """`rows` with `subject` (Binary): that of the surest identity, null where there is none. Hashes each value once."""
    named = _subjects(rows, "user_id", secret)
    nameless = _subjects(rows.filter(pl.col("user_id").is_null()), "anonymous_id", secret)
    joined = rows.join(named, on="user_id", how="left", maintain_order="left").join(
        nameless, on="anonymous_id", how="left", maintain_order="left"
    )
    subject = pl.when(pl.col("user_id").is_not_null()).then("_user_id").otherwise("_anonymous_id")
    found = joined.with_columns(subject.alias("subject")).drop("_user_id", "_anonymous_id")
    return found.with_columns(persons.subjects(found, secret).alias("subject"))


def _subjects(rows: pl.DataFrame, kind: str, secret: bytes) -> pl.DataFrame:
    values = rows[kind].drop_nulls().unique()
    subjects = [subject_of(secret, kind, value) for value in values.to_list()]
    return pl.DataFrame([values, pl.Series(f"_{kind}", subjects, pl.Binary)])


def with_content_ids(rows: pl.DataFrame, scope: str) -> pl.DataFrame:
    """`rows` with `content`: a hash of what the row says where it has no event_id, else null.

    It depends on nothing but the content and `scope`, so that the same rows read again, from another kind of file or
    in other batches, have the same hashes. Rows that say the same have the same one: see `with_event_ids`. A claim says
    something else than a sale.
    """
    without = rows["event_id"].is_null()
    if not without.any():
        return rows.with_columns(pl.lit(None, pl.String).alias("content"))
    hashes = _hashes(rows.filter(without), scope)
    if without.all():
        return rows.with_columns(hashes)
    places = without.arg_true()
    content = pl.Series("content", [None], pl.String).new_from_index(0, rows.height).scatter(places, hashes)
    return rows.with_columns(content.alias("content"))


def _hashes(rows: pl.DataFrame, scope: str) -> pl.Series:
    # Whole numbers, as the text of a float or a time is not sure to stay the same in the next version of a library.
    moment = pl.col("time").dt.epoch("us").cast(pl.String)
    price = (pl.col("price") * _MILLIONTHS).round().cast(pl.Int64).cast(pl.String)
    said = [pl.col(name).cast(pl.String) for name in _CONTENT]
    parts = [pl.lit(scope), *(part.fill_null(_NOTHING) for part in (moment, price, *said))]
    claimed = pl.when(pl.col("claim")).then(pl.lit(_CLAIM)).otherwise(pl.lit(""))
    whole = pl.concat_str(parts, separator=_SEPARATOR) + claimed
    contents = rows.select(whole.cast(pl.Binary)).to_series().to_list()
    return pl.Series("content", [blake2b(content, digest_size=_ID_BYTES).hexdigest() for content in contents])


def with_event_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `event_id` where none was given: `content`, and from its second occurrence on which one it is."""
    again = rows["content"].is_duplicated() & rows["content"].is_not_null()
    named = rows.with_columns(pl.coalesce("event_id", "content").alias("event_id"))
    if not again.any():
        return named
    # Only these are grouped, as a group for each row of a large file would take longer than all the rest.
    # Each file by itself: imported one by one, they would give the same ids.
    same = ["content", pl.col("line") // FILE] if "line" in rows.columns else ["content"]
    numbers = rows.filter(again).select(pl.int_range(pl.len()).over(same)).to_series()
    occurrence = pl.Series("occurrence", [0]).new_from_index(0, rows.height).scatter(again.arg_true(), numbers)
    suffix = pl.when(occurrence > 0).then(pl.format("-{}", occurrence)).otherwise(pl.lit(""))
    return named.with_columns(pl.col("event_id") + suffix)
