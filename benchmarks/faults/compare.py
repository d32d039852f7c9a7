"""The comparison: the log event by event with the account, and every customer's record with both."""

import contextlib
import time
from typing import Any, Final

import httpx
import polars as pl
import redis

from benchmarks.faults.plan import Customer
from benchmarks.faults.shop import Shop
from benchmarks.faults.traffic import Client
from etappe import settings
from etappe.errors import EtappeError
from etappe.ids import Subject
from etappe.log import Log
from etappe.store.identities import graph
from etappe.store.logged import history
from etappe.worker.archiving.archive import archive

_PATIENCE: Final = 30.0
_SETTLED: Final = 0.02


class Found:
    """What there is of one run's events in the log."""

    def __init__(self, shop: Shop, mark: str) -> None:
        log = Log(shop.data / "log")
        mine = pl.col("event_id").str.starts_with(f"{mark}-")
        self.rows = log.events().filter(mine).collect()
        self.repeats: int = log.scan("event").filter(mine).select(pl.len()).collect().item() - self.rows.height
        counted = self.rows["event_id"].value_counts()
        self.ids: dict[str, int] = dict(counted.iter_rows())

    @property
    def doubled(self) -> int:
        """Events that count more than once."""
        return self.rows.height - len(self.ids)


def secret_of(shop: Shop) -> bytes:
    """The secret that the shop's subjects are keyed with."""
    return bytes.fromhex((shop.data / "secret").read_text().strip())


def archive_rest(shop: Shop) -> None:
    """Brings what waits in the streams into the log."""
    log = Log(shop.data / "log")
    log.prepare()
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with contextlib.closing(shop.client()) as client:
                archive(client, log)
                return
        except (redis.RedisError, EtappeError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def of_log(shop: Shop, client: Client, found: Found) -> list[str]:
    """What is wrong with the log: lost, doubled, never sent, or under the wrong subject."""
    plan = client.plan
    wrong = [f"lost: {sorted(lost)[:5]} of {len(lost)}"] if (lost := client.answered - set(found.ids)) else []
    if extra := set(found.ids) - set(plan.told) - {f"{plan.mark}-probe"}:
        wrong.append(f"never sent: {sorted(extra)[:5]}")
    if twice := [one for one, count in found.ids.items() if count > 1]:
        wrong.append(f"doubled: {sorted(twice)[:5]} of {len(twice)}")
    told = plan.subjects(secret_of(shop))
    for row in found.rows.iter_rows(named=True):
        if row["event_id"] in told and row["subject"] != told[row["event_id"]]:
            wrong.append(f"{row['event_id']} ({row['event']}) is under another subject: {row['subject']!r}")
        if plan.told.get(row["event_id"]) and plan.told[row["event_id"]].private and row["user_id"] is not None:
            wrong.append(f"{row['event_id']} names {row['user_id']}, who denied consent")
    if client.accepted > len(plan.told) + 1 + found.repeats:  # the probe, and what reading the log leaves out
        wrong.append(f"{client.accepted} events were answered as accepted, {len(plan.told)} were sent")
    return wrong


def of_records(shop: Shop, client: Client) -> list[str]:
    """What is wrong with the customers' records: each says what the account says."""
    wrong = []
    for user, told in client.plan.customers.items():
        shown = _shown(shop, user)
        said = (shown.get("events"), shown.get("revenue"))
        if said[0] != len(told.events) or abs((said[1] or 0.0) - told.revenue) > _SETTLED:
            wrong.append(f"record of {user}: {said}, sent ({len(told.events)}, {told.revenue:.2f})")
    for user in client.plan.denied:
        consent = _shown(shop, user).get("consent")
        wrong += [f"record of {user}: consent is {consent}"] if consent != "denied" else []
    return wrong


def of_fold(shop: Shop, client: Client) -> list[str]:
    """What is wrong with the graph and the log together: the fold of each customer's events in it."""
    told, users = client.plan.subjects(secret_of(shop)), client.plan.customers
    subjects = {one for user in users.values() for event in user.events if (one := told[event]) is not None}
    with contextlib.closing(shop.client()) as connection:
        roots = graph.roots(connection, sorted(subjects))
    members = pl.DataFrame(
        [(subject, root) for subject, root in roots.items()],
        schema={"subject": pl.Binary, "customer": pl.Binary},
        orient="row",
    )
    days = settings.load(shop.data).learning.half_life_days
    folded = {past.subject: past.base.totals[0] for past in history.of(Log(shop.data / "log"), members, days, [])}
    return [text for user, told_of in users.items() if (text := _fold_wrong(user, told_of, told, roots, folded))]


def _fold_wrong(
    user: str, told_of: Customer, told: dict[str, Subject | None], roots: dict[Subject, Subject], folded: Any
) -> str | None:
    mine = {roots[subject] for event in told_of.events if (subject := told[event]) is not None}
    if len(mine) != 1:
        return f"{user} is {len(mine)} customers"
    totals = folded.get(next(iter(mine)))
    said = (int(totals["events"]), float(totals["revenue"])) if totals is not None else (0, 0.0)
    if said[0] != len(told_of.events) or abs(said[1] - told_of.revenue) > _SETTLED:
        return f"fold of the log for {user}: {said}, sent ({len(told_of.events)}, {told_of.revenue:.2f})"
    return None


def _shown(shop: Shop, user: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError, ValueError):
            answer = shop.http.get(f"/v1/customers/{user}")
            if answer.status_code in (200, 404):
                found: dict[str, Any] = answer.json()
                return found
        time.sleep(0.05)
    return {}
