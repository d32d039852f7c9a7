"""What happens in the shop: events by type, the funnel, channels, touchpoints, what goes wrong."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.simulated import sales, tables
from benchmarks.simulated.sample import Sample, present_days
from etappe.simulation.parameters import STAGES

STEPS: Final = ("view_item", "add_to_cart", "purchase")
_PAUSE: Final = pl.duration(minutes=30)
"""A session ends where nothing happens for so long."""
_LATE: Final = pl.duration(minutes=30)


def show(sample: Sample, log: pl.DataFrame | None) -> None:
    """Prints everything; `log` is that of REES46."""
    _show_types(sample)
    found = {"simulated, web and app": funnel(online(sample))} | ({"REES46": funnel(log)} if log is not None else {})
    rows = next(iter(found.values()))
    tables.show("From view to purchase", ["", *found], ([row, *(one[row] for one in found.values())] for row in rows))
    _show_channels(sample)
    _show_touches(sample)
    tables.show("Identities, and what goes wrong on the way", ["", "simulated"], identities(sample).items())


def online(sample: Sample) -> pl.DataFrame:
    """Views, carts and purchases on the web and in the app, with sessions."""
    rows = sample.events.filter(pl.col("event").is_in(STEPS) & pl.col("channel").is_in(["web", "app"]))
    rows = rows.select("event", "person", "price", "at", item="item_id").sort("person", "at")
    begins = (pl.col("at").diff() > _PAUSE) | (pl.col("person") != pl.col("person").shift())
    return rows.with_columns(session=begins.fill_null(value=True).cum_sum())


def funnel(log: pl.DataFrame) -> dict[str, object]:
    """Rows by step, and what sessions are like."""
    number = {step: int((log["event"] == step).sum()) for step in STEPS}
    sessions = log.group_by("session").agg(
        views=(pl.col("event") == STEPS[0]).sum(), bought=(pl.col("event") == STEPS[2]).any()
    )
    views, bought = sessions["views"].to_numpy(), sessions["bought"].to_numpy()
    per_item = sales.counts(log.filter(pl.col("event") == STEPS[0]), "item")
    return {
        "views": number[STEPS[0]],
        "carts for 100 views": 100 * number[STEPS[1]] / number[STEPS[0]],
        "purchase lines for 100 views": 100 * number[STEPS[2]] / number[STEPS[0]],
        "sessions": len(sessions),
        "views a session: mean": float(views.mean()),
        "views a session: median": float(np.median(views)),
        "sessions with a purchase": tables.percent(float(bought.mean())),
        "views of the top fifth of items viewed": tables.percent(sales.top_fifth(per_item)),
    }


def identities(sample: Sample) -> dict[str, object]:
    """How well people can be told apart, and shares of what goes wrong."""
    told, devices = sample.told, sample.shop.truth.devices
    once = told.unique("event_id", keep="first", maintain_order=True)
    late = once.select(late=(pl.col("at").cum_max() - pl.col("at")) > _LATE)["late"].to_numpy()
    people = sample.events.filter(pl.col("anonymous_id").is_not_null())
    of_person = people.group_by("person").agg(pl.col("anonymous_id").n_unique())["anonymous_id"].to_numpy()
    of_device = people.group_by("anonymous_id").agg(pl.col("person").n_unique())["person"].to_numpy()
    nobody = pl.col("user_id").is_null()
    wrong = devices["clock_error_seconds"].to_numpy() != 0
    return {
        "events without a user": _share(once.select(nobody)),
        "events without a user or a device": _share(once.select(nobody & pl.col("anonymous_id").is_null())),
        "events of customers that do not name them": _share(_of_customers(sample).select(nobody)),
        "events of crawlers and staff": _share(once.select(pl.col("person").is_null())),
        "device ids a person: mean": float(of_person.mean()),
        "device ids a person: 95th percentile": float(np.quantile(of_person, 0.95)),
        "device ids with several people": tables.percent(float((of_device > 1).mean())),
        "events told twice": tables.percent(1 - len(once) / len(told), 2),
        "events more than half an hour late": tables.percent(float(late.mean()), 2),
        "devices with a wrong clock": tables.percent(float(wrong.mean()), 2),
        "events with a wrong time": _share(once.select(pl.col("at") != pl.col("timestamp"))),
    }


def _show_types(sample: Sample) -> None:
    number = sample.events.group_by("event").len().sort("len", descending=True)
    of_customers = _of_customers(sample)
    days = int(present_days(sample)[sample.members].sum())
    by_type = dict(of_customers.group_by("event").len().iter_rows())
    active = of_customers.select("person", pl.col("at").dt.date()).unique().height
    rows = [
        [event, count, tables.percent(count / len(sample.events)), 1000 * by_type.get(event, 0) / days]
        for event, count in number.iter_rows()
    ]
    rows.append(["all", len(sample.events), tables.percent(1.0), 1000 * len(of_customers) / days])
    tables.show("Events by type", ["", "events", "share", "on 1,000 days of a customer"], rows)
    print(f"\nOn {tables.percent(active / days)} of their days customers do anything, or are sent anything.")


def _of_customers(sample: Sample) -> pl.DataFrame:
    return sample.events.filter(pl.Series(sample.members).gather(sample.events["person"]))


def _show_channels(sample: Sample) -> None:
    head = ["", "events", "share", "views", "purchase lines"]
    counted = sample.events.group_by("channel").agg(
        pl.len(), views=(pl.col("event") == STEPS[0]).sum(), bought=(pl.col("event") == STEPS[2]).sum()
    )
    rows = (
        [name, number, tables.percent(number / len(sample.events)), seen, bought]
        for name, number, seen, bought in counted.sort("len", descending=True).iter_rows()
    )
    tables.show("Channels", head, rows)


def _show_touches(sample: Sample) -> None:
    """Touches that worked, for a person and year in each stage, and what they brought by the truth."""
    touches = sample.shop.truth.touches.filter(pl.col("worked")).group_by("touchpoint", "stage").len()
    number = {(point, stage): count for point, stage, count in touches.iter_rows()}
    stays = sample.shop.story.stays
    years = np.bincount(stays.stage, stays.length, minlength=len(STAGES)) / 365
    rows = (
        [point["name"], point["worked"]]
        + [number.get((point["name"], stage), 0) / max(years[place], 1e-9) for place, stage in enumerate(STAGES)]
        + [float(point["moved_on"]), float(point["purchases"])]
        for point in sample.shop.truth.touchpoints.iter_rows(named=True)
    )
    head = ["", "worked", *(f"a year in {stage}" for stage in STAGES), "moved on because", "bought because"]
    tables.show("Touchpoints", head, rows)


def _share(flags: pl.DataFrame) -> str:
    return tables.percent(float(flags.to_series().to_numpy().mean()), 2)
