"""What publishable keys are believed."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from etappe.cli.checks.finding import Finding, ok, warning
from etappe.log import Log
from etappe.wiring.inspecting import Inspected
from etappe.worker.archiving import entries

_RECENT_DAYS: Final = 7
_COLUMNS: Final = (pl.col("order_id"), pl.col("source"), pl.col("claim").fill_null(value=False))


def browser_orders(inspected: Inspected) -> Iterator[Finding]:
    """Whether anybody with the key of a web page can make sales, or browsers alone tell of them, for nothing."""
    if inspected.settings.keys.browser_orders == "trust":
        yield warning(
            'browser_orders is "trust": whoever opens a page of the shop can send orders that count as revenue and are'
            ' learned from; send orders from a server with a secret key, and set it to "claim"'
        )
        return
    claims = _unheard(inspected.log)
    if claims:
        yield warning(
            f"purchases told by browsers and no server: {claims:,} in the newest {_RECENT_DAYS} days of the log; they"
            " are claims and count for nothing. Send orders with a secret key, or set [keys] browser_orders"
            " (docs/events.md, Orders of browsers)"
        )
    else:
        yield ok("orders sent by browsers are claims: they count once a server sends them with a secret key")


def _unheard(log: Log) -> int:
    """How many purchases browsers claim in the newest days of the log; 0 where a server tells of orders too.

    It does where one comes in live, or an import has an order that is claimed. Damaged files are passed over.
    """
    days = log.days("event")[-_RECENT_DAYS:]
    bought = [log.readable("event", day).filter(pl.col("event") == "purchase").select(_COLUMNS) for day in days]
    if not bought:
        return 0
    rows = pl.concat(bought).collect()
    claimed, counted = rows.filter("claim"), rows.filter(~pl.col("claim"))
    told = (counted["source"] == entries.SOURCE).any() or counted["order_id"].is_in(claimed["order_id"].implode()).any()
    return 0 if told else len(claimed)
