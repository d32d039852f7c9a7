"""Rows that name further identities of their person: settled as `POST /v1/events` settles them, and what they claim."""

from typing import Any, Final

import msgspec
import polars as pl

from etappe.customers.identity import Claim
from etappe.errors import InputError
from etappe.events import identities
from etappe.events.vocabulary import TYPES, Event
from etappe.ids import subject_of
from etappe.store.identities.linking import claims_of
from etappe.values.ids import NOBODY

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_LISTED: Final = f'"{identities.IDENTITIES}"'
_TELLING: Final = [_LISTED, *(f'"{name}"' for name in (*identities.PLAIN, *identities.GROUPS)), "\\u"]
"""Without one of these in its text no object of properties names an identity or a group; JSON may write letters as
`\\uXXXX`."""
_PAIR: Final = ("user_id", "anonymous_id")


def settled(rows: pl.DataFrame, nobody: frozenset[str] = NOBODY) -> pl.DataFrame:
    """Native text `rows` with identities normalised and hashed in `properties`, and a `reason` where they are none."""
    if "properties" not in rows.columns:
        return rows
    told = rows["properties"].str.contains_any(_TELLING).fill_null(value=False)
    if not told.any():
        return rows
    said = rows.filter(told).select("event", "properties").unique()
    found = [_settled(event, text, nobody) for event, text in said.iter_rows()]
    table = said.with_columns(
        pl.Series("_text", [text for text, _ in found], pl.String),
        pl.Series("_why", [why for _, why in found], pl.String),
    )
    joined = rows.join(table, on=["event", "properties"], how="left", maintain_order="left", nulls_equal=True)
    reason = pl.coalesce("reason", "_why") if "reason" in rows.columns else pl.col("_why")
    text = pl.coalesce("_text", "properties").alias("properties")
    return joined.with_columns(text, reason.alias("reason")).drop("_text", "_why")


def naming() -> pl.Expr:
    """Whether a settled row names identities beside its ids."""
    return pl.col("properties").str.contains(_LISTED, literal=True).fill_null(value=False)


def subjects(rows: pl.DataFrame, secret: bytes) -> pl.Series:
    """`subject` of `rows`, put right where the surest identity is neither user_id nor anonymous_id."""
    places = rows.select(naming()).to_series().arg_true()
    if places.is_empty():
        return rows["subject"]
    found = []
    for event in _events(rows[places]):
        first = identities.named(event)[0]
        found.append(subject_of(secret, first.kind, first.value))
    return rows["subject"].clone().scatter(places, pl.Series(found, dtype=pl.Binary))


def claims(rows: pl.LazyFrame, secret: bytes) -> list[Claim]:
    """What spooled `rows` claim, earliest first; of equal claims the first."""
    cause = pl.coalesce("event_id", "content").alias("cause")
    both = rows.filter(pl.all_horizontal(pl.col(_PAIR).is_not_null()))
    pairs = both.sort("time", "line").group_by(_PAIR, maintain_order=True).agg(pl.col("time").first(), cause.first())
    telling = rows.filter(naming() | (pl.col("event") == "alias")).with_columns(cause)
    columns = ("time", "cause", "event", *_PAIR, "properties")
    plain = pairs.with_columns(pl.lit("login").alias("event"), pl.lit(None, pl.String).alias("properties"))
    frame = pl.concat([plain.select(columns), telling.select(columns)]).collect().sort("time")
    found: dict[tuple[bytes, bytes], Claim] = {}
    for event, why in zip(_events(frame), frame["cause"], strict=True):
        for claim in claims_of(secret, event, why):
            found.setdefault((claim.one, claim.other), claim)
    return list(found.values())


def _events(rows: pl.DataFrame) -> list[Event]:
    """Events enough to tell identities from."""
    columns = rows.select("event", *_PAIR, "properties").iter_rows()
    return [
        TYPES[event](item_id="-", user_id=user, anonymous_id=visitor, properties=_OBJECT.decode(text) if text else None)
        for event, user, visitor, text in columns
    ]


def _settled(event: str | None, text: str, nobody: frozenset[str]) -> tuple[str | None, str | None]:
    """The text of settled properties, or why there is none; nothing where others judge it."""
    kind = TYPES.get(event or "")
    try:
        properties = _OBJECT.decode(text)
        if kind is None:
            return None, None
        after = identities.settled(kind(item_id="-", properties=properties), nobody).properties
    except InputError as error:
        return None, f"{error.field or 'properties'}: no identity"
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None, None
    return msgspec.json.encode(after or {}).decode(), None
