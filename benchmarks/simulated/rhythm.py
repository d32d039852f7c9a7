"""When people come and what they then want: hours, weekdays, seasons."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.simulated import tables
from benchmarks.simulated.sales import Sales
from benchmarks.simulated.sample import Sample
from etappe.simulation.clock import HABITS
from etappe.simulation.goods.seasons import YEAR
from etappe.simulation.tables import Floats

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BLOCKS: Final = ("0 to 6", "6 to 12", "12 to 18", "18 to 24")


def show(sample: Sample, sales: Sales) -> None:
    """Prints hours, weekdays and seasons."""
    seen = views(sample)
    times = {f"views, {habit}": seen.filter(pl.col("habit") == habit)["at"] for habit in HABITS}
    times |= {f"sales, {name}": lines["at"] for name, lines in sales.items()}
    hours = ([name, *_blocks(by_hour(at))] for name, at in times.items())
    tables.show("Hours (UTC; Online Retail: local)", ["", *_BLOCKS], hours)
    week = ([name, *map(tables.percent, by_weekday(at).tolist())] for name, at in times.items())
    tables.show("Days of the week", ["", *WEEKDAYS], week)
    _show_seasons(sample, seasons(sample, seen))


def views(sample: Sample) -> pl.DataFrame:
    """`at`, `habit` and `category` of all views."""
    habit = pl.Series(HABITS).gather(sample.shop.story.world.people.habit)
    rows = sample.events.filter(pl.col("event") == "view_item").select("person", "item_id", "at")
    rows = rows.with_columns(habit=habit.gather(rows["person"]))
    return rows.join(sample.category(), on="item_id", maintain_order="left")


def by_hour(at: pl.Series) -> Floats:
    """float64[24]: the share of each hour."""
    return _shares(at.dt.hour(), 24)


def by_weekday(at: pl.Series) -> Floats:
    """float64[7]: the share of each day of the week, Monday first."""
    return _shares(at.dt.weekday() - 1, 7)


def categories(sample: Sample) -> list[str]:
    """All categories, in the assortment's order."""
    return [category.path for category in sample.shop.story.world.assortment.categories]


def seasons(sample: Sample, seen: pl.DataFrame) -> Floats:
    """float64[categories, 12]: a category's share of a month's views, for its share of all; nan without views."""
    place = {category: row for row, category in enumerate(categories(sample))}
    number = np.zeros((len(place), len(MONTHS)))
    for category, month, count in seen.group_by("category", pl.col("at").dt.month()).len().iter_rows():
        number[place[category], month - 1] = count
    with np.errstate(invalid="ignore", divide="ignore"):
        of_month, of_all = number / number.sum(axis=0), number.sum(axis=1) / number.sum()
        return np.asarray(of_month / of_all[:, None])


def peaks(sample: Sample) -> list[tuple[float, float] | None]:
    """The world's peak of each category as a place among the months (0 to 12), and how many times its low it is."""
    said = [sample.parameters.seasons.get(category) for category in categories(sample)]
    return [one and (one[0] / YEAR * len(MONTHS), float(np.exp(2 * one[1]))) for one in said]


def _show_seasons(sample: Sample, found: Floats) -> None:
    rows = [
        [category, MONTHS[int(np.nanargmax(row))], _swing(row), peak and MONTHS[int(peak[0]) % 12], peak and peak[1]]
        for category, row, peak in zip(categories(sample), found, peaks(sample), strict=True)
        if not np.isnan(row).all()
    ]
    head = ["", "most in", "most by least", "the world's peak", "its most by least"]
    tables.show("Views by month, beside those of all other categories", head, rows)


def _swing(row: Floats) -> float:
    low = float(np.nanmin(row))
    return float(np.nanmax(row)) / low if low else np.nan


def _blocks(hours: Floats) -> list[str]:
    return [tables.percent(share) for share in hours.reshape(4, 6).sum(axis=1).tolist()]


def _shares(place: pl.Series, count: int) -> Floats:
    number = np.bincount(place.to_numpy(), minlength=count)
    return np.asarray(number / max(1, number.sum()))
