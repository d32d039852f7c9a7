"""What `simulate` promises: the same shop for the same arguments, events as the contract has them, clear refusals."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.catalog.item import Item
from etappe.errors import InputError
from etappe.events.vocabulary import CHANNELS, AnyEvent
from etappe.simulation import Shop, simulate
from etappe.simulation.assortment import assortment

END = datetime(2026, 6, 30, 12, 34, 56, tzinfo=UTC)
COLUMNS = [
    "event_id", "timestamp", "event", "user_id", "anonymous_id", "item_id", "quantity", "price", "currency", "order_id",
    "channel", "properties",
]  # fmt: skip


def _small(seed: int = 3, **changes: object) -> Shop:
    arguments = {"customers": 60, "items": 80, "days": 30, "seed": seed, "end": END} | changes
    return simulate(**arguments)


def test_same_arguments_make_the_same_shop() -> None:
    """Catalogue, events and truth are equal, column by column and in dtype, for equal arguments."""
    one, other = _small(), _small()
    assert one.items == other.items
    assert one.events.equals(other.events)
    assert one.events.schema == other.events.schema
    assert all(frame.equals(other.truth.frames()[name]) for name, frame in one.truth.frames().items())


def test_another_seed_makes_another_shop() -> None:
    """Neither the catalogue nor the events of two seeds are equal."""
    one, other = _small(seed=3), _small(seed=4)
    assert one.items != other.items
    assert not one.events.drop("event_id").equals(other.events.drop("event_id"))


def test_ids_of_different_runs_never_meet() -> None:
    """Shops that differ in the end alone have no event id and no order id in common."""
    one, other = _small().events, _small(end=END + timedelta(hours=1)).events
    for column in ("event_id", "order_id"):
        assert not set(one[column].drop_nulls()) & set(other[column].drop_nulls())


def test_more_days_leave_the_catalogue_alone() -> None:
    """The catalogue depends on its size and the seed only: each part has random numbers of its own."""
    assert _small(days=30).items == _small(days=5, customers=20).items


def test_events_have_the_native_columns(shop: Shop) -> None:
    """The columns are those of the import contract, in its order."""
    assert shop.events.columns == COLUMNS
    assert shop.events.schema["timestamp"] == pl.Datetime("us", "UTC")


def test_every_event_is_one_of_the_vocabulary(shop: Shop) -> None:
    """Each row passes the validation that posted events pass."""
    sample = shop.events.sample(5000, seed=1).to_dicts()
    rows = [{name: value for name, value in row.items() if value is not None} for row in sample]
    for row in rows:
        row["properties"] = json.loads(row.pop("properties", "{}"))
    events = msgspec.convert(rows, list[AnyEvent])
    assert {event.channel for event in events} <= set(CHANNELS)


def test_events_are_in_order_and_inside_the_time(shop: Shop) -> None:
    """Timestamps ascend, and lie between the first day and the end."""
    times = shop.events["timestamp"]
    assert times.is_sorted()
    assert times.min() >= END - timedelta(days=120)
    assert times.max() < END
    assert times.max() > END - timedelta(hours=6)


def test_a_visit_under_way_is_cut_off_at_the_end() -> None:
    """Where many visits are under way at the end, none of their later events is told."""
    evening = END.replace(hour=20)
    times = simulate(3000, 80, 1, 3, end=evening).events["timestamp"]
    assert evening - timedelta(minutes=1) < times.max() < evening


def test_event_ids_are_unique(shop: Shop) -> None:
    """No event id comes twice."""
    assert shop.events["event_id"].is_unique().all()


def test_everybody_can_be_told_apart_from_nobody(shop: Shop) -> None:
    """Every event has a user or an anonymous id."""
    assert shop.events.filter(pl.col("user_id").is_null() & pl.col("anonymous_id").is_null()).is_empty()


def test_events_name_items_of_the_catalogue(shop: Shop) -> None:
    """No event is about an item that is not in the catalogue."""
    assert set(shop.events["item_id"].drop_nulls()) <= {item.id for item in shop.items}


def test_catalogue_is_valid_and_of_the_size_asked_for(shop: Shop) -> None:
    """Every item survives its own validation; ids are unique and there are as many as asked for."""
    decoded = msgspec.json.decode(msgspec.json.encode(shop.items), type=tuple[Item, ...])
    assert decoded == shop.items
    assert len({item.id for item in shop.items}) == 1000


@settings(max_examples=25, deadline=None)
@given(customers=st.integers(1, 30), more=st.integers(0, 20), days=st.integers(1, 9), seed=st.integers(0, 2**63 - 1))
def test_any_small_size_works(customers: int, more: int, days: int, seed: int) -> None:
    """Every size from the smallest on makes a shop in which every customer is seen."""
    fewest = len(assortment().categories)
    shop = simulate(customers, fewest + more, days, seed, end=END)
    assert len(shop.items) == fewest + more
    assert shop.events["user_id"].drop_nulls().n_unique() == customers


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customers": 0}, "customers"),
        ({"items": 24}, "items"),
        ({"items": 2_000_000}, "items"),
        ({"days": 0}, "days"),
        ({"days": 4000}, "days"),
        ({"seed": -1}, "seed"),
        ({"customers": 1_000_000, "days": 365}, "customers"),
        ({"end": datetime(2026, 6, 30)}, "end"),  # noqa: DTZ001
    ],
)
def test_impossible_sizes_are_refused(changes: dict[str, object], field: str) -> None:
    """The refusal names the argument."""
    with pytest.raises(InputError, match=field) as refusal:
        _small(**changes)
    assert refusal.value.field == field


def test_progress_is_told_to_the_end() -> None:
    """Progress ascends to its total."""
    told: list[tuple[int, int]] = []
    _small(progress=lambda what, done, total=0: told.append((done, total)))
    assert [done for done, _ in told] == list(range(told[-1][1] + 1))
