"""What is true of the shop and what no shop is told: tests and evaluations may look here, Etappe never does."""

from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from etappe.simulation.journey.arrivals import NONE
from etappe.simulation.oracle import Oracle
from etappe.simulation.parameters import STAGES
from etappe.simulation.people.people import CHANNELS
from etappe.simulation.people.tastes import Life
from etappe.simulation.record.frames import TIME, Frames
from etappe.simulation.record.identities import KINDS
from etappe.simulation.record.properties import Labels, where
from etappe.simulation.steps import Steps
from etappe.simulation.story import Story
from etappe.simulation.tables import Floats

_STAGES: Final = pl.Series(STAGES)


class Truth(msgspec.Struct, frozen=True, eq=False):
    """The truth as frames, each one file of `truth/`. `person` is the row of `people` everywhere."""

    people: pl.DataFrame
    """One row a person; `user_id` is null for strangers. `taste` columns sum to 1 in each row."""
    life_events: pl.DataFrame
    """When something happened after which a person wants other things."""
    stages: pl.DataFrame
    """One row a stay of a person in a stage. `until` is null where the story ends before."""
    touches: pl.DataFrame
    """One row a touch; `gain` is by how much it raised the chance to move on at the end of the stay."""
    touchpoints: pl.DataFrame
    """One row a touchpoint: effects by stage, touches, and what they brought in all; see `Oracle.brought`."""
    items: pl.DataFrame
    """One row an item; `cluster` is category and style, what people's tastes are made of."""
    prices: pl.DataFrame
    """The price of each item from each day on on which it changed."""
    stock: pl.DataFrame
    """Whether each item could be bought from each day on on which that changed."""
    complements: pl.DataFrame
    """`partner_id` comes along with a bought `item_id` with this `chance`, unless the cart is full."""
    substitutes: pl.DataFrame
    """`substitute_id` is taken with this `chance` by who wants `item_id` and finds it sold out."""
    devices: pl.DataFrame
    """Whose each anonymous id is, and by how much its clock is wrong; `person` is null for crawlers and staff."""
    events: pl.DataFrame
    """Whose each event is, in which stage they were, and when it really happened."""
    responses: pl.DataFrame
    """For each row of `responses.parquet`: the person, their stage, and the chances of clicking, and then of buying."""

    def frames(self) -> dict[str, pl.DataFrame]:
        """The frames by name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def truth(story: Story, named: Labels, told: Frames) -> Truth:
    """The truth about a whole story."""
    return Truth(
        people=_people(story, named),
        life_events=_life(story, story.world.tastes.life),
        stages=_stages(story),
        touches=_touches(story),
        touchpoints=_touchpoints(story),
        items=_items(story, named),
        prices=_changes(story, story.world.shelf.cents, named, "price", 100.0),
        stock=_changes(story, story.world.shelf.available, named, "available", 1),
        complements=_complements(story, named),
        substitutes=_substitutes(story, named),
        devices=_devices(story, named),
        events=_events(story, told),
        responses=_responses(story),
    )


def _people(story: Story, named: Labels) -> pl.DataFrame:
    world = story.world
    people, said = world.people, world.parameters
    kinds = pl.Series([persona.name for persona in said.personas])
    columns = {
        "person": pl.Series(np.arange(len(people))),
        "user_id": where(people.member, named.users, np.arange(len(people))),
        "persona": kinds.gather(people.persona),
        "second_persona": kinds.gather(people.second),
        "style": pl.Series(world.assortment.styles).gather(people.style),
        "price": people.price,
        "eco": people.eco,
        "brand": people.brand,
        "activity": people.activity,
        "pace": people.pace,
        "resolve": people.resolve,
        "since": _times(story, people.since).set(pl.Series(people.since < 0), None),
        "channel": pl.Series(CHANNELS).gather(people.channel),
        "country": pl.Series([country for country, _, _ in said.people.countries]).gather(people.country),
        "language": pl.Series([language for _, language, _ in said.people.countries]).gather(people.country),
        "business": people.business,
        "household": people.household,
        "referrer": where(people.referrer != NONE, named.users, people.referrer),
    }
    shares = world.tastes.share[: len(people)]
    tastes = {f"taste {one.path}": shares[:, place] for place, one in enumerate(world.assortment.categories)}
    return pl.DataFrame(columns | tastes)


def _life(story: Story, life: Life) -> pl.DataFrame:
    names = pl.Series([one.name for one in story.world.parameters.life_events])
    return pl.DataFrame({"person": life.person, "at": _times(story, life.day), "event": names.gather(life.event)})


def _stages(story: Story) -> pl.DataFrame:
    stays = story.stays
    ends = ~np.isnan(stays.logit)
    return pl.DataFrame(
        {
            "person": pl.Series(stays.person, dtype=pl.Int64),
            "stage": _STAGES.gather(stays.stage),
            "since": _times(story, stays.start),
            "until": _times(story, stays.end).set(pl.Series(~ends), None),
            "onward": stays.onward,
            "logit": pl.Series(stays.logit).fill_nan(None),
        }
    )


def _touches(story: Story) -> pl.DataFrame:
    touches = story.touches
    names = pl.Series([one.name for one in story.world.parameters.touchpoints])
    return pl.DataFrame(
        {
            "person": pl.Series(touches.person, dtype=pl.Int64),
            "stage": _STAGES.gather(story.stays.stage[touches.stay]),
            "touchpoint": names.gather(touches.touchpoint),
            "at": _times(story, touches.day),
            "opened": touches.opened,
            "worked": touches.worked,
            "gain": touches.gain,
        }
    )


def _touchpoints(story: Story) -> pl.DataFrame:
    points = story.world.parameters.touchpoints
    columns = {field: [getattr(one, field) for one in points] for field in ("name", "kind", "source", "medium")}
    effects = {f"effect {stage}": [one.effect[place] for one in points] for place, stage in enumerate(STAGES)}
    count = np.bincount(story.touches.touchpoint[story.touches.worked], minlength=len(points))
    moved, purchases = Oracle(story).brought()
    return pl.DataFrame(columns | effects | {"worked": count, "moved_on": moved, "purchases": purchases})


def _items(story: Story, named: Labels) -> pl.DataFrame:
    goods, assortment = story.world.goods, story.world.assortment
    category = pl.Series([category.path for category in assortment.categories]).gather(goods.category)
    style = pl.Series(assortment.styles).gather(goods.style)
    launch = story.world.shelf.launch
    return pl.DataFrame(
        {
            "item_id": named.items,
            "category": category,
            "style": style,
            "cluster": category + "/" + style,
            "product": goods.product,
            "attraction": goods.attraction,
            "eco": goods.eco,
            "cycle_days": pl.Series(goods.cycle).replace(np.inf, None),
            "launched": _times(story, launch).set(pl.Series(launch < 0), None),
        }
    )


def _changes(story: Story, steps: Steps[Any], named: Labels, name: str, unit: float) -> pl.DataFrame:
    value = pl.Series(name, steps.value)
    frame = pl.DataFrame({"item_id": named.items.gather(steps.owner), "since": _times(story, np.maximum(steps.day, 0))})
    frame = frame.with_columns(value / unit if unit != 1 else value)
    return frame.unique(["item_id", "since"], keep="last", maintain_order=True).filter(
        (pl.col(name) != pl.col(name).shift().over("item_id")).fill_null(value=True)
    )


def _complements(story: Story, named: Labels) -> pl.DataFrame:
    goods = story.world.goods
    rows = np.flatnonzero(goods.partner != NONE)
    partner = named.items.gather(goods.partner[rows])
    return pl.DataFrame({"item_id": named.items.gather(rows), "partner_id": partner, "chance": goods.chance[rows]})


def _substitutes(story: Story, named: Labels) -> pl.DataFrame:
    pairs = story.world.shelf.substitutes
    return pl.DataFrame(
        {
            "item_id": named.items.gather(pairs.item),
            "substitute_id": named.items.gather(pairs.other),
            "chance": pairs.strength,
        }
    )


def _devices(story: Story, named: Labels) -> pl.DataFrame:
    devices = story.devices
    return pl.DataFrame(
        {
            "anonymous_id": named.devices,
            "person": pl.Series(devices.owner, dtype=pl.Int64).set(pl.Series(devices.owner == NONE), None),
            "kind": pl.Series(KINDS).gather(devices.kind),
            "clock_error_seconds": story.clock_errors // 1_000_000,
        }
    )


def _events(story: Story, told: Frames) -> pl.DataFrame:
    record = story.record
    nobody = pl.Series(record.person == NONE, dtype=pl.Boolean)
    return pl.DataFrame(
        {
            "event_id": told.event_ids(np.arange(len(record))),
            "person": pl.Series(record.person, dtype=pl.Int32).set(nobody, None),
            "stage": where(record.person != NONE, _STAGES, record.stage),
            "at": pl.Series(record.time).cast(TIME),
        }
    )


def _responses(story: Story) -> pl.DataFrame:
    visits, shown, response = story.visits, story.shown, story.world.response
    rows = np.flatnonzero(visits.piece != NONE)
    visit = np.concatenate((shown.visit, rows))
    met = visits.at(shown.visit)
    person, stage = met.person.astype(np.int64), met.stage.astype(np.int64)
    item = shown.item.astype(np.int64)
    at_home = visits.at(rows)
    click = response.item_click(person, stage, item, met.day, shown.position, shown.seen)
    buy = response.item_buy(person, stage, item, met.day)
    who, when = at_home.person.astype(np.int64), at_home.stage.astype(np.int64)
    piece_click = response.piece_click(who, when, at_home.piece, at_home.day, at_home.seen)
    piece_buy = response.piece_buy(who, when, at_home.piece)
    everybody = visits.at(visit)
    return pl.DataFrame(
        {
            "person": pl.Series(everybody.person, dtype=pl.Int64),
            "stage": _STAGES.gather(everybody.stage),
            "seen": np.concatenate((shown.seen, at_home.seen)),
            "click": np.concatenate((click, piece_click)),
            "buy": np.concatenate((buy, piece_buy)),
        }
    )


def _times(story: Story, day: Floats) -> pl.Series:
    return pl.Series(story.world.clock.moment(day)).cast(TIME)
