"""Rows in native form, judged as `POST /v1/events` judges events, but as vectors and with few, countable reasons."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import polars as pl

from etappe.errors import InputError
from etappe.events import details, intake
from etappe.events.vocabulary import CHANNELS, TYPES, ItemEvent
from etappe.importing.judging import persons, times
from etappe.values.ids import NOBODY as NOBODYS

IDS: Final = ("event_id", "user_id", "anonymous_id", "item_id", "order_id")
COLUMNS: Final = (*IDS, "timestamp", "event", "quantity", "price", "currency", "channel", "properties", "claim")
"""The native columns, each text."""

NOBODY: Final = "user_id: nobody did this; give user_id or anonymous_id (or order_id for a sale)"

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_LENGTH: Final = 256
_MOST_PIECES: Final = 1_000_000
_HIGHEST_PRICE: Final = 1e12
_ITEM_EVENTS: Final = [name for name, kind in TYPES.items() if issubclass(kind, ItemEvent)]
_OF_ORDERS: Final = ("refund", "return", "delivery")
_SAYING: Final = (*details.RULES, "set_consent", "alias")
"""Events whose properties are checked one by one."""
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])

_quantity = pl.col("_quantity")
_price = pl.col("_price")
_time = pl.col("time")


def check(rows: pl.DataFrame, zone: str, now: datetime, nobody: frozenset[str] = NOBODYS) -> pl.DataFrame:
    """`rows` (native text columns; more are kept) with `reason`, null where good, and what is no text typed.

    That is `time`, `quantity`, `price` and `claim`, which is true or null.

    Absent native columns are added, empty. A `reason` already there goes before the ones found here.
    """
    absent = [pl.lit(None, pl.String).alias(name) for name in (*COLUMNS, "reason") if name not in rows.columns]
    parsed = persons.settled(rows.with_columns(absent), nobody).with_columns(
        times.parse(pl.col("timestamp"), zone).alias("time"),
        pl.col("quantity").cast(pl.Float64, strict=False).alias("_quantity"),
        pl.col("price").cast(pl.Float64, strict=False).alias("_price"),
    )
    judged = parsed.with_columns(pl.coalesce("reason", *_reasons(now)).alias("reason"))
    judged = judged.with_columns(_properties(judged).alias("reason"))
    good = pl.col("reason").is_null()
    return judged.with_columns(
        pl.when(good).then(_quantity).cast(pl.Int32, strict=False).alias("quantity"),
        pl.when(good).then(_price).alias("price"),
        pl.when(good & _is_claim()).then(pl.lit(value=True)).alias("claim"),
    ).drop("_quantity", "_price", "timestamp")


def _reasons(now: datetime) -> list[pl.Expr]:
    """The reason for each rule a row breaks, else null; the first counts."""
    event, price, quantity = pl.col("event"), pl.col("price"), pl.col("quantity")
    whole = _quantity.is_between(1, _MOST_PIECES) & (_quantity == _quantity.floor())
    amount = _price.is_between(0, _HIGHEST_PRICE)
    currency, channel = pl.col("currency"), pl.col("channel")
    return [
        _broken("event: missing", event.is_null()),
        _broken("event: not in the vocabulary", ~event.is_in(list(TYPES))),
        _broken("timestamp: missing", pl.col("timestamp").is_null()),
        _broken("timestamp: not a time", _time.is_null()),
        _broken("timestamp: before 1970", _time < _EARLIEST),
        _broken("timestamp: more than a day ahead", _time > now + intake.AHEAD),
        *(_broken(f"{name}: not 1 to {_ID_LENGTH} characters", ~_is_id(name)) for name in IDS),
        _broken("item_id: missing", event.is_in(_ITEM_EVENTS) & pl.col("item_id").is_null()),
        _broken("item_id: a refund, return or delivery names an item_id or an order_id", _is_of_nothing()),
        _broken(NOBODY, pl.all_horizontal(pl.col("user_id", "anonymous_id", "order_id").is_null()) & ~persons.naming()),
        _broken("quantity: not a whole number from 1 to 1000000", quantity.is_not_null() & ~_sure(whole)),
        _broken("price: not a number from 0 to 1e12", price.is_not_null() & ~_sure(amount)),
        _broken("currency: not three capital letters", ~currency.str.contains(r"^[A-Z]{3}$")),
        _broken(f"channel: not one of {', '.join(CHANNELS)}", ~channel.is_in(list(CHANNELS))),
        _broken("claim: not true or false", pl.col("claim").is_not_null() & ~_claim().is_in(["true", "false"])),
        _broken("claim: only a purchase or refund is one", _is_claim() & ~event.is_in(["purchase", "refund"])),
        _broken(f"properties: over {intake.MAX_EVENT_BYTES} bytes", _too_long()),
    ]


def _broken(reason: str, rule: pl.Expr) -> pl.Expr:
    return pl.when(rule).then(pl.lit(reason))


def _sure(rule: pl.Expr) -> pl.Expr:
    return rule.fill_null(value=False)


def _is_id(name: str) -> pl.Expr:
    return pl.col(name).str.len_chars().is_between(1, _ID_LENGTH)


def _is_of_nothing() -> pl.Expr:
    return pl.col("event").is_in(_OF_ORDERS) & pl.col("item_id").is_null() & pl.col("order_id").is_null()


def _claim() -> pl.Expr:
    return pl.col("claim").str.to_lowercase()


def _is_claim() -> pl.Expr:
    return _sure(_claim() == "true")


def _too_long() -> pl.Expr:
    return pl.col("properties").str.len_bytes() > intake.MAX_EVENT_BYTES


def _properties(rows: pl.DataFrame) -> pl.Series:
    """The reasons of `rows`, with those that the content of `properties` gives."""
    told = rows["properties"].is_not_null() | rows["event"].is_in(_SAYING)
    places = (told & rows["reason"].is_null()).arg_true()
    if places.is_empty():
        return rows["reason"]
    some = rows.select("event", "properties")[places]
    found = [_said(event, text) for event, text in some.iter_rows()]
    return rows["reason"].clone().scatter(places, pl.Series(found, dtype=pl.String))


def _said(event: str, text: str | None) -> str | None:
    try:
        said = None if text is None else _OBJECT.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return "properties: not a JSON object"
    if intake.deeper(said, intake.MAX_NESTING):
        return f"properties: nested more than {intake.MAX_NESTING} deep"
    if event not in _SAYING:
        return None
    try:
        intake.check(TYPES[event](user_id="-", anonymous_id="-", item_id="-", properties=said), _EARLIEST)
    except InputError:
        return f"properties: not what {event} takes"
    return None
