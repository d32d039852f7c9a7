"""What `simulate` promises: the same shop for the same size, whatever the size, and clear refusals."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.simulation.sizes import END, small, small_shop

from etappe.errors import InputError
from etappe.simulation import Shop, simulate, story, world
from etappe.simulation.goods.assortment import assortment

FEWEST = len(assortment().categories)


def _frames(shop: Shop) -> dict[str, pl.DataFrame]:
    """All that is told and true of a shop."""
    told = {"told": shop.events, "shown": shop.responses}
    return told | {name: pl.concat(parts) for name, parts in shop.truth.frames()}


@pytest.fixture(scope="module")
def one() -> Shop:
    """A small shop."""
    return small_shop()


def test_the_same_size_is_the_same_shop(one: Shop) -> None:
    """Catalogue, content, events, responses and every frame of the truth are equal in values, columns and dtypes."""
    other = small_shop()
    assert one.items == other.items
    assert one.content == other.content
    frames, others = _frames(one), _frames(other)
    assert {name: frame.schema for name, frame in frames.items()} == {n: f.schema for n, f in others.items()}
    assert [name for name, frame in frames.items() if not frame.equals(others[name])] == []
    assert [name for name, frame in frames.items() if frame.is_empty()] == []


def test_another_seed_is_another_shop(one: Shop) -> None:
    """Neither the catalogue nor anybody's stages, nor what happened, are those of another seed."""
    other = small_shop(seed=4)
    assert one.items != other.items
    drop = ["event_id", "order_id", "anonymous_id", "properties"]
    assert not one.events.drop(drop).equals(other.events.drop(drop))
    assert not one.truth.stages.equals(other.truth.stages)
    assert not one.truth.people.equals(other.truth.people)


@pytest.mark.parametrize("changes", [{"end": END + timedelta(hours=1)}, {"seed": 4}, {"customers": 61}, {"days": 31}])
def test_ids_of_different_runs_never_meet(one: Shop, changes: dict[str, object]) -> None:
    """Shops that differ in one number alone share no event, order, anonymous id, decision or mail."""
    other = small_shop(**changes)
    for column in ("event_id", "order_id", "anonymous_id"):
        assert not set(one.events[column].drop_nulls()) & set(other.events[column].drop_nulls())
    assert not set(one.responses["decision"]) & set(other.responses["decision"])
    mail = pl.col("properties").str.json_path_match("$.mail").drop_nulls()
    mails = [set(shop.events.select(mail).to_series()) for shop in (one, other)]
    assert mails[0]
    assert not mails[0] & mails[1]


def test_the_same_moment_in_another_zone_is_the_same_shop(one: Shop) -> None:
    """The end counts as a moment, not by the clock on the wall."""
    elsewhere = small_shop(end=END.astimezone(datetime.now().astimezone().tzinfo or UTC))
    assert one.events.equals(elsewhere.events)


def test_more_days_leave_the_catalogue_alone(one: Shop) -> None:
    """What is sold depends on its size and the seed only; more days and customers change prices and stock at most."""
    other = small_shop(days=5, customers=20)
    assert [(item.id, item.title, item.brand) for item in one.items] == [
        (item.id, item.title, item.brand) for item in other.items
    ]


@settings(max_examples=40, deadline=None)
@given(customers=st.integers(1, 12), more=st.integers(0, 15), days=st.integers(1, 9), seed=st.integers(0, 2**63 - 1))
def test_any_small_size_works(customers: int, more: int, days: int, seed: int) -> None:
    """Every size from one customer, one item a category and one day on makes a whole shop."""
    shop = small_shop(customers=customers, items=FEWEST + more, days=days, seed=seed)
    frames = _frames(shop)
    assert len(shop.items) == FEWEST + more
    assert {item.category for item in shop.items} == {category.path for category in assortment().categories}
    assert frames["people"]["user_id"].drop_nulls().len() == customers
    assert frames["told"]["event_id"].n_unique() == frames["events"].height
    people = np.arange(customers)
    lists, worth = shop.oracle.best_possible(people, np.full(customers, days - 0.5), 3, "revenue")
    assert lists.shape == (customers, 3)
    assert (worth > 0).all()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customers": 0}, "customers"),
        ({"items": FEWEST - 1}, "items"),
        ({"items": 2_000_000}, "items"),
        ({"days": 0}, "days"),
        ({"days": 4000}, "days"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"customers": 1_000_000, "days": 365}, "customers"),
        ({"end": datetime(2026, 6, 30)}, "end"),  # noqa: DTZ001 - a time without a zone is what is refused
        ({"world": 99}, "world"),
    ],
)
def test_impossible_sizes_are_refused(changes: dict[str, object], field: str) -> None:
    """The refusal names the field and its value."""
    with pytest.raises(InputError, match=f"^({field} is |1000000 customers)") as refusal:
        small_shop(**changes)
    assert refusal.value.field == field


def test_progress_goes_to_its_total(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress counts people, ascends portion by portion, and ends at all of them."""
    monkeypatch.setattr(world, "_PART", 30)
    told: list[tuple[str, int, int]] = []
    simulate(small(), lambda what, done, total=0: told.append((what, done, total)))
    assert told == [(story.WHAT, done, 78) for done in (0, 30, 60, 78)]


@pytest.fixture(scope="module")
def in_parts() -> Shop:
    """A shop whose people are drawn in ten portions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "_PART", 40)
        shop = simulate(small(customers=300, days=60))
        assert shop.events.height
        return shop


def test_portions_make_one_story(in_parts: Shop) -> None:
    """Rows of stays, touches, visits and devices of all portions belong to the same people."""
    whole, people = in_parts.story, in_parts.story.world.people
    assert (whole.stays.person[whole.touches.stay] == whole.touches.person).all()
    assert (np.diff(whole.visits.person) >= 0).all()
    assert set(np.unique(whole.stays.person)) == set(range(len(people)))
    tracked = whole.visits.device >= 0
    owner = whole.devices.owner[whole.visits.device[tracked]]
    assert (people.household[owner] == people.household[whole.visits.person[tracked]]).all()


def test_ids_of_portions_do_not_meet(in_parts: Shop) -> None:
    """Every order, mail and decision of all portions is of one person, and clicks are of what their visit showed."""
    said = {name: pl.col("properties").str.json_path_match(f"$.{name}") for name in ("mail", "decision", "position")}
    told = in_parts.events.join(in_parts.truth.events, on="event_id").with_columns(**said)
    for name in ("order_id", "mail", "decision"):
        persons = told.drop_nulls(name).group_by(name).agg(pl.col("person").n_unique())["person"]
        assert persons.unique().to_list() == [1]
    chosen = told.filter(event="select_item").with_columns(pl.col("position").cast(pl.Int8)).unique("event_id")
    shown = in_parts.responses.filter(pl.col("clicked") & pl.col("item_id").is_not_null())
    key = ["decision", "position", "item_id"]
    assert sorted(chosen.select(key).rows()) == sorted(shown.select(key).rows())
