"""The whole training, on shops of every kind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from etappe.errors import InputError
from etappe.ids import item_hash
from etappe.models.snapshot import Snapshot
from etappe.settings import Learning, Settings
from etappe.training.fit import digest_of, fit_snapshot, version_of
from etappe.training.popularity import VIEWER

Log = Callable[..., pl.LazyFrame]
CREATED = datetime(2026, 3, 2, 10, 20, 30, 456789, tzinfo=UTC)
SETTINGS = Settings(learning=Learning(factors=8, neighbours=4))


def _train(events: pl.LazyFrame, folder: Path, settings: Settings = SETTINGS, now: datetime | None = None) -> Snapshot:
    manifest = fit_snapshot(
        events, settings=settings, now=now, log_position=7, folder=folder, created=CREATED, metrics={"recall": 0.25}
    )
    return Snapshot.open(folder / manifest.version)


def _shop(customers: int = 60) -> list[tuple[str, str | None, str, str | None, float]]:
    """Three groups of customers, each with their own ten items; every fifth order is anonymous."""
    chance = np.random.default_rng(11)
    return [
        ("purchase", f"c{one}" if one % 5 else None, f"i{one % 3}-{item}", f"o{one}", float(chance.integers(0, 200)))
        for one in range(customers)
        for item in chance.choice(10, 5, replace=False)
    ]


def _row(snapshot: Snapshot, item: str) -> int:
    return int(snapshot.rows_of(np.array([item_hash(item)], np.uint64))[0])


def test_a_snapshot_tells_where_it_comes_from(log: Log, tmp_path: Path) -> None:
    """Manifest and parameters name the log position, the settings used, the totals and the time ages count from."""
    rows = _shop()
    snapshot = _train(log(rows), tmp_path)
    told = snapshot.parameters
    assert snapshot.manifest.log_position == 7
    assert snapshot.manifest.metrics == {"recall": 0.25}
    assert snapshot.manifest.created == CREATED.isoformat()
    assert snapshot.manifest.digest == digest_of(SETTINGS.learning)
    assert (told.customers, told.orders, told.events) == (48, 60, len(rows))
    assert (told.half_life_days, told.alpha) == (SETTINGS.learning.half_life_days, SETTINGS.learning.alpha)
    assert told.windows == (1, 7, 30, 90)
    assert snapshot.factors.shape == (30, 8)
    assert snapshot.also_bought.rows.shape == (30, 4)


def test_versions_sort_by_time_and_tell_the_settings() -> None:
    """The name is UTC to the millisecond and the digest, and the digest changes with any setting of learning."""
    digest = digest_of(SETTINGS.learning)
    assert version_of(CREATED, digest) == f"20260302T102030456Z-{digest[:8]}"
    assert version_of(CREATED, digest) < version_of(CREATED + timedelta(milliseconds=1), digest)
    assert digest != digest_of(Learning(factors=8, neighbours=5))
    assert digest == digest_of(Learning(factors=8, neighbours=4))


def test_training_twice_gives_the_same(log: Log, tmp_path: Path) -> None:
    """The same log gives the same bytes: every array has the same SHA-256."""
    one, other = (_train(log(_shop()), tmp_path / name) for name in ("one", "other"))
    assert one.manifest.arrays == other.manifest.arrays


def test_counts_equal_an_independent_query(log: Log, tmp_path: Path) -> None:
    """Customers, orders, windows and pairs are what a plain query over the log counts, anonymous lines apart."""
    rows = [*_shop(), ("refund", "c1", "i1-0", "o1", 0.0), ("view_item", "c9", "i1-0", None, 0.0)]
    snapshot = _train(log(rows), tmp_path, Settings(learning=Learning(factors=8, neighbours=30)))
    bought = [row for row in rows if row[0] == "purchase"]
    owners = {item: {row[1] for row in bought if row[2] == item and row[1]} for item in {row[2] for row in bought}}
    for item, customers in owners.items():
        at = _row(snapshot, item)
        assert snapshot.customers[at] == len(customers)
        assert snapshot.orders[at] == len({row[3] for row in bought if row[2] == item})
        assert snapshot.windows[2, at] == len({row[1] or row[3] for row in bought if row[2] == item and row[4] < 30})
        for other, others in owners.items():
            places = np.flatnonzero(snapshot.also_bought.rows[at] == _row(snapshot, other))
            if len(places):
                assert snapshot.also_bought.counts[at, places[0]] == len(customers & others)


def test_nothing_of_one_customer_is_kept(log: Log, tmp_path: Path) -> None:
    """No array has a dimension of the number of customers or orders: rows are items only."""
    snapshot = _train(log(_shop(77)), tmp_path)
    sizes = {size for info in snapshot.manifest.arrays.values() for size in info.shape}
    assert sizes == {30, 8, 4}


def test_an_earlier_now_forgets_what_came_later(log: Log, now: datetime, tmp_path: Path) -> None:
    """A training as of a past day sees nothing after it: evaluation cannot learn from its own test."""
    rows = _shop()
    cut = now - timedelta(days=100)
    as_of = _train(log(rows), tmp_path / "one", now=cut)
    without = _train(log(rows).filter(pl.col("time") <= cut), tmp_path / "other", now=cut)
    assert as_of.manifest.arrays == without.manifest.arrays
    assert as_of.parameters.now == cut.timestamp()


def test_views_alone_give_factors_but_no_co_purchase(log: Log, tmp_path: Path) -> None:
    """Without a purchase there is taste, and an order by viewers; nobody is told that somebody bought something."""
    rows = [("view_item", f"c{one}", f"i{one % 3}-{item}", None, 1.0) for one in range(90) for item in range(4)]
    snapshot = _train(log(rows), tmp_path)
    assert np.abs(snapshot.factors).max() > 0.01
    assert (snapshot.also_bought.rows == -1).all()
    assert not snapshot.customers.any()
    assert snapshot.popularity == pytest.approx(30 * VIEWER)
    assert (snapshot.windows == 30).all()
    assert snapshot.parameters.orders == 0


def test_till_receipts_alone_give_baskets_but_no_taste(log: Log, tmp_path: Path) -> None:
    """Where nobody is known there is what is bought together and what is popular, and factors are zeros."""
    rows = [("purchase", None, item, f"o{one}", 1.0) for one in range(6) for item in ("ab" if one % 2 else "cd")]
    snapshot = _train(log(rows), tmp_path)
    assert snapshot.bought_together.rows[_row(snapshot, "a"), 0] == _row(snapshot, "b")
    assert snapshot.orders.tolist() == [3, 3, 3, 3]
    assert snapshot.customers.tolist() == [0, 0, 0, 0]
    assert not snapshot.factors.any()


@pytest.mark.parametrize("customers", [1, 2, 30])
def test_one_item_is_enough(log: Log, tmp_path: Path, customers: int) -> None:
    """A shop of one item has finite factors, its popularity, and empty lists."""
    snapshot = _train(log([("purchase", f"c{one}", "a", f"o{one}", 0) for one in range(customers)]), tmp_path)
    assert snapshot.customers.tolist() == [customers]
    assert snapshot.popularity.tolist() == [customers]
    assert np.isfinite(snapshot.factors).all()
    assert (snapshot.also_bought.rows == -1).all()


def test_nothing_is_written_for_an_empty_log(log: Log, tmp_path: Path) -> None:
    """A log without anything to learn from leaves no folder behind."""
    with pytest.raises(InputError):
        _train(log([]), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_progress_names_the_steps(log: Log, tmp_path: Path) -> None:
    """A watcher sees each step begin and end."""
    told: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int = 0) -> None:
        told.append((what, done, total))

    fit_snapshot(log(_shop()), settings=SETTINGS, log_position=1, folder=tmp_path, progress=progress)
    assert list(dict.fromkeys(step[0] for step in told)) == [
        "reading events",
        "factors",
        "also bought",
        "bought together",
    ]
    ends = {step[0]: step for step in told}
    assert all(done == total > 0 for _, done, total in ends.values())
