"""The log as training and evaluation see it: whose events they are by now, and whose may not be learned from."""

from typing import Any, Final

import msgspec
import polars as pl

from etappe.customers.identity import ERASE, Change, Graph
from etappe.customers.stated import consent
from etappe.ids import Subject
from etappe.log import Log, floods, repeats
from etappe.store.identities import erased_rows
from etappe.store.identities.erasure import Erasure

_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_PAIR: Final = {"subject": pl.Binary, "customer": pl.Binary}


def events(
    log: Log,
    erasures: list[Erasure],
    *,
    unknown_denies: bool,
    orders_per_day: int,
    position: int | None = None,
) -> pl.LazyFrame:
    """The event table for learning: `subject` is the customer by now, null of those who may not be learned from.

    Left out are erased customers' rows, unwanted traffic, what browsers claim to have bought, and purchases of a
    customer who ordered more than `orders_per_day` times that day. Who denies personalisation leaves only baskets:
    lines that an order holds together and nothing else does.
    """
    claimed = pl.col("claim").fill_null(value=False)
    rows = erased_rows.visible(log.events(position), erasures).filter(pl.col("flag").is_null(), ~claimed)
    whose = floods.without(_by_customer(rows, customers(log, erasures, position)), orders_per_day)
    words = said(whose)
    who = words.filter(~pl.col("granted"))["subject"]
    denied = pl.col("subject").is_in(who.implode())
    if unknown_denies:
        denied = ~pl.col("subject").is_in(words.filter("granted")["subject"].implode())
    nobody = [pl.when(~denied).then(name).alias(name) for name in ("subject", "user_id", "anonymous_id")]
    return whose.with_columns(nobody) if unknown_denies or len(who) else whose


def _by_customer(rows: pl.LazyFrame, aliases: pl.DataFrame) -> pl.LazyFrame:
    """`rows` with the customer as `subject`; an event that came in under two identities of one customer is one."""
    if aliases.is_empty():
        return rows
    mine = rows.join(aliases.lazy(), on="subject", how="left", maintain_order="left")
    whose = mine.with_columns(pl.coalesce("customer", "subject").alias("subject")).drop("customer")
    return repeats.once(whose)


def customers(log: Log, erasures: list[Erasure], position: int | None = None) -> pl.DataFrame:
    """`customer` of each `subject` that is another's alias, by the identity table of the log."""
    graph = graph_of(log, erasures, position)
    rows = [(subject, root) for subject, root in graph.roots().items() if subject != root]
    return pl.DataFrame(rows, schema=_PAIR, orient="row")


def graph_of(log: Log, erasures: list[Erasure], position: int | None = None) -> Graph:
    """The identity graph as the log tells it, without what was known of erased customers before they were erased."""
    graph = Graph()
    told = log.scan("identity", position=position).filter(pl.col("action") != ERASE)
    known = erased_rows.visible(told, erasures, "time", ("subject", "customer"))
    for row in known.sort("epoch", maintain_order=True).collect().iter_rows(named=True):
        customer = Subject(row["customer"]) if row["customer"] is not None else None
        change = Change(row["action"], Subject(row["subject"]), customer, row["kind"], row["value"], row["cause"])
        graph.apply(change, int(row["time"].timestamp() * 1000))
    return graph


def said(rows: pl.LazyFrame) -> pl.DataFrame:
    """Each customer's last word on personalisation: `subject`, `granted`. At the same moment a denial counts."""
    words = rows.filter(pl.col("event") == "set_consent", pl.col("subject").is_not_null())
    told = words.select("subject", "time", "properties").collect()
    verdicts = [consent.verdict_of(_OBJECT.decode(text or "{}")) for text in told["properties"]]
    frame = told.with_columns(pl.Series("verdict", verdicts, pl.Int8)).filter(pl.col("verdict") > 0)
    last = frame.sort("time", "verdict").unique("subject", keep="last")
    return last.select("subject", (pl.col("verdict") == 1).alias("granted"))
