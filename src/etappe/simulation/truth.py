"""What is true of the shop and what no shop is told: tests and evaluations may look here, Etappe never does."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from etappe.simulation.frames import ROWS, TIME, Frames, by_visit, slices
from etappe.simulation.journey.arrivals import NONE
from etappe.simulation.oracle import Oracle
from etappe.simulation.parameters import STAGES
from etappe.simulation.people.people import CHANNELS
from etappe.simulation.people.tastes import Life
from etappe.simulation.record.identities import KINDS
from etappe.simulation.record.properties import Labels, where
from etappe.simulation.steps import Steps
from etappe.simulation.story import Story
from etappe.simulation.tables import Floats

_STAGES: Final = pl.Series(STAGES)


class Truth:
    """The truth as frames, each one file of `truth/`. `person` is the row of `people` everywhere."""

    def __init__(self, story: Story, named: Labels, told: Frames) -> None:
        self._story, self._named, self._told = story, named, told

    def frames(self) -> Iterator[tuple[str, Iterator[pl.DataFrame]]]:
        """All frames by name, the large ones in parts: together they may be too large for the memory."""
        for name, one in vars(Truth).items():
            if isinstance(one, cached_property):
                yield name, _IN_PARTS[name](self._story, self._told) if name in _IN_PARTS else iter([one.func(self)])

    @cached_property
    def people(self) -> pl.DataFrame:
        """One row a person; `user_id` is null for strangers. `taste` columns sum to 1 in each row."""
        return _people(self._story, self._named)

    @cached_property
    def life_events(self) -> pl.DataFrame:
        """When something happened after which a person wants other things."""
        return _life(self._story, self._story.world.tastes.life)

    @cached_property
    def stages(self) -> pl.DataFrame:
        """One row a stay of a person in a stage. `until` is null where the story ends before."""
        return _stages(self._story)

    @cached_property
    def touches(self) -> pl.DataFrame:
        """One row a touch; `gain` is by how much it raised the chance to move on at the end of the stay."""
        return _touches(self._story)

    @cached_property
    def touchpoints(self) -> pl.DataFrame:
        """One row a touchpoint: effects by stage, touches, and what they brought in all; see `Oracle.brought`."""
        return _touchpoints(self._story)

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row an item; `cluster` is category and style, what people's tastes are made of."""
        return _items(self._story, self._named)

    @cached_property
    def prices(self) -> pl.DataFrame:
        """The price of each item from each moment on at which it changed."""
        return _changes(self._story, self._story.world.shelf.cents, self._named, "price", 100.0)

    @cached_property
    def stock(self) -> pl.DataFrame:
        """Whether each item could be bought from each moment on at which that changed."""
        return _changes(self._story, self._story.world.shelf.available, self._named, "available", 1)

    @cached_property
    def complements(self) -> pl.DataFrame:
        """`partner_id` comes along with a bought `item_id` with this `chance`, unless the cart is full."""
        return _complements(self._story, self._named)

    @cached_property
    def substitutes(self) -> pl.DataFrame:
        """`substitute_id` is taken with this `chance` by who wants `item_id` and finds it sold out."""
        return _substitutes(self._story, self._named)

    @cached_property
    def devices(self) -> pl.DataFrame:
        """Whose each anonymous id is, and how wrong its clock; `person` is null for crawlers and staff."""
        return _devices(self._story, self._named)

    @cached_property
    def events(self) -> pl.DataFrame:
        """Whose each event is, in which stage they were, and when it really happened."""
        return pl.concat(_events(self._story, self._told))

    @cached_property
    def responses(self) -> pl.DataFrame:
        """For each row of `responses.parquet`: the person, their stage, and the chances of clicking and then buying."""
        return pl.concat(_responses(self._story, self._told))


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
    value = pl.Series(name, steps.value / unit if unit != 1 else steps.value)  # Polars would multiply by 1 / unit
    frame = pl.DataFrame({"item_id": named.items.gather(steps.owner), "since": _times(story, np.maximum(steps.day, 0))})
    return (
        frame.with_columns(value)
        .unique(["item_id", "since"], keep="last", maintain_order=True)
        .filter((pl.col(name) != pl.col(name).shift().over("item_id")).fill_null(value=True))
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


def _events(story: Story, told: Frames) -> Iterator[pl.DataFrame]:
    for start, end in slices(len(story.record), ROWS):
        record = story.record.at(np.arange(start, end))
        nobody = pl.Series(record.person == NONE, dtype=pl.Boolean)
        yield pl.DataFrame(
            {
                "event_id": told.event_ids(np.arange(start, end)),
                "person": pl.Series(record.person, dtype=pl.Int32).set(nobody, None),
                "stage": where(record.person != NONE, _STAGES, record.stage),
                "at": pl.Series(record.time).cast(TIME),
            }
        )


def _responses(story: Story, _told: Frames) -> Iterator[pl.DataFrame]:
    response = story.world.response
    for start, end in slices(len(story.visits), ROWS // 4):
        shown, rows = story.shown_in(start, end)
        met, home = story.visits.at(shown.visit), story.visits.at(rows)
        of_item = met.person, met.stage, shown.item, met.day
        of_piece = home.person, home.stage, home.piece
        click = response.item_click(*of_item, shown.position, shown.seen)
        piece_click = response.piece_click(*of_piece, home.day, home.seen)
        yield pl.DataFrame(
            {
                "person": pl.Series(np.concatenate((met.person, home.person)), dtype=pl.Int64),
                "stage": _STAGES.gather(np.concatenate((met.stage, home.stage))),
                "seen": pl.Series(np.concatenate((shown.seen, home.seen)), dtype=pl.Int16),
                "click": np.concatenate((click, piece_click)),
                "buy": np.concatenate((response.item_buy(*of_item), response.piece_buy(*of_piece))),
            }
        )[by_visit(shown, rows)]


_IN_PARTS: Final = {"events": _events, "responses": _responses}


def _times(story: Story, day: Floats) -> pl.Series:
    return pl.Series(story.world.clock.moment(day)).cast(TIME)
