"""What goes wrong between what happens and what the shop is told."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from etappe.simulation import Shop
from etappe.simulation.parameters.told import Mishaps


@pytest.fixture(scope="module")
def said(shop: Shop) -> Mishaps:
    """What goes wrong, how often."""
    return shop.story.world.parameters.mishaps


def test_what_is_told_twice_is_told_the_same(shop: Shop, said: Mishaps) -> None:
    """Event ids are unique up to repeats, which are verbatim, come later, and are as frequent as stated."""
    twice = shop.events.filter(pl.col("event_id").is_duplicated())
    count = shop.events.height - shop.events["event_id"].n_unique()
    assert count / shop.events.height == pytest.approx(said.duplicates, rel=0.15)
    assert twice.unique().height == twice["event_id"].n_unique() == count
    assert twice.group_by("event_id").len()["len"].max() == 2


def test_events_arrive_late_as_often_as_stated(shop: Shop, events: pl.DataFrame, said: Mishaps) -> None:
    """Of a hundred events one stands behind others that happened over a minute later; some come a day late."""
    once = shop.events.unique("event_id", keep="first", maintain_order=True)
    at = once.join(events.select("event_id", "at"), on="event_id", maintain_order="left")["at"]
    newest = at.cum_max().shift(1)
    behind = (newest - at).drop_nulls()
    late = behind > timedelta(minutes=1)
    assert late.mean() == pytest.approx(said.late, rel=0.15)
    delays = behind.filter(late)
    assert delays.median() > timedelta(hours=said.late_hours * 0.5)
    assert delays.median() < timedelta(hours=said.late_hours * 1.5)
    assert delays.max() > timedelta(days=1)
    assert (at[1:].filter(~late).diff().drop_nulls() > timedelta(minutes=-1)).all()


def test_clocks_are_wrong_on_the_devices_the_truth_names(shop: Shop, events: pl.DataFrame, said: Mishaps) -> None:
    """An event's time differs from the true one by the error of its device's clock, exactly; without a device not."""
    wrong = shop.truth.devices.select("anonymous_id", error=pl.duration(seconds=pl.col("clock_error_seconds")))
    told = events.join(wrong, on="anonymous_id", how="left")
    error = told["timestamp"] - told["at"]
    assert (error == told["error"].fill_null(timedelta(0))).all()
    devices = shop.truth.devices.filter(pl.col("person").is_not_null())
    share = (devices["clock_error_seconds"] != 0).mean()
    assert share == pytest.approx(said.wrong_clocks, abs=4 * (said.wrong_clocks / devices.height) ** 0.5)
    assert (devices["clock_error_seconds"].abs() <= said.clock_hours * 3600).all()
    assert (error != timedelta(0)).sum() > 50
    assert {-1, 1} <= set(np.sign(devices["clock_error_seconds"].to_numpy()).tolist())


def test_some_events_of_customers_have_no_device(events: pl.DataFrame, said: Mishaps) -> None:
    """The stated share of known customers' events in the shop names no anonymous id; of strangers' events all do."""
    online = events.filter(pl.col("channel").is_in(["web", "app"]))
    by_browser = ~pl.col("event").is_in(["refund", "set_consent", "subscribe"])
    known = online.filter(pl.col("user_id").is_not_null(), by_browser)
    expected = said.lost_devices
    share = known["anonymous_id"].is_null().mean()
    assert share == pytest.approx(expected, abs=4 * (expected / known.height) ** 0.5)
    strangers = online.filter(pl.col("user_id").is_null(), by_browser)
    assert strangers["anonymous_id"].null_count() == 0
