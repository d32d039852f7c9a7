"""Days of a shop in which people come and leave: a simulated shop's events, with crawlers, refusals and cash sales."""

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from benchmarks.ingest.events import as_native
from etappe.simulation import Size, simulate

STAY_DAYS: Final = 15.0
"""Mean days after which somebody never comes again (exponential)."""
CRAWLED: Final = 0.01
REFUSED: Final = 0.03
CASH: Final = 0.05
"""Shares of events by crawlers, of users who refuse personalisation, of sales that name nobody."""
_CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def days(customers: int, items: int, count: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """The native events of each of `count` days, the last one ending now."""
    end = datetime.now(UTC)
    size = Size(customers=customers, items=items, days=count, seed=seed, end=end)
    events = simulate(size).events.sort("timestamp")
    stay = _stays(events, seed)
    chance = random.Random(seed)
    gone = events.with_columns(who=_who()).join(stay, on="who", how="left")
    kept = gone.filter(pl.col("timestamp") <= pl.col("until")).drop("who", "until")
    refused: set[str] = set()
    for number in range(count):
        begin = end - timedelta(days=count - number)
        today = kept.filter(pl.col("timestamp").is_between(begin, begin + timedelta(days=1), closed="right"))
        yield [event for row in today.iter_rows(named=True) for event in _told(as_native(row), chance, refused)]


def _who() -> pl.Expr:
    return pl.coalesce("user_id", "anonymous_id")


def _stays(events: pl.DataFrame, seed: int) -> pl.DataFrame:
    """For each who, until when they come."""
    first = events.group_by(_who().alias("who"), maintain_order=True).agg(pl.col("timestamp").min())
    chance = random.Random(seed)
    stay = [timedelta(days=-STAY_DAYS * math.log(1 - chance.random())) for _ in range(first.height)]
    return first.select("who", until=pl.col("timestamp") + pl.Series(stay, dtype=pl.Duration("us")))


def _told(event: dict[str, Any], chance: random.Random, refused: set[str]) -> Sequence[dict[str, Any]]:
    """The event as it comes in, with the refusal of a user who refuses before their first one."""
    user = event.get("user_id")
    if user and user not in refused and random.Random(user).random() < REFUSED:
        refused.add(user)
        said = {"event": "set_consent", "event_id": f"no-{user}", "user_id": user, "timestamp": event["timestamp"]}
        return said | {"properties": {"personalisation": False}}, event
    if event["event"] == "purchase" and chance.random() < CASH:
        return ({name: value for name, value in event.items() if name not in ("user_id", "anonymous_id")},)
    if event["event"] == "view_item" and chance.random() < CRAWLED:
        return (event | {"properties": {"user_agent": _CRAWLER}},)
    return (event,)
