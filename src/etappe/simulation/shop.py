"""A whole simulated shop from a few numbers and a seed: what it sells, what it was told, and what is true of it."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import polars as pl

from etappe.catalog.item import Item
from etappe.progress import Progress, silent
from etappe.simulation import story, world
from etappe.simulation.frames import Frames
from etappe.simulation.goods import catalogue
from etappe.simulation.goods.pieces import content
from etappe.simulation.oracle import Oracle
from etappe.simulation.record.labels import labels
from etappe.simulation.story import Story
from etappe.simulation.truth import Truth
from etappe.simulation.world import Size


class Shop:
    """What can be asked of a shop; each part is made when it is asked for."""

    def __init__(self, whole: Story) -> None:
        self.story = whole
        self.size = whole.world.size
        self.named = labels(whole.world, len(whole.devices))
        self._frames = Frames(whole, self.named)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """The catalogue, as it is at the end."""
        world = self.story.world
        return tuple(catalogue.items(world.goods, world.shelf, world.clock, world.assortment))

    @property
    def content(self) -> list[dict[str, Any]]:
        """The pieces, as `PUT /v1/content` takes them."""
        return content()

    @cached_property
    def events(self) -> pl.DataFrame:
        """All native events, in order of arrival."""
        return pl.concat(self.event_frames())

    def event_frames(self) -> Iterator[pl.DataFrame]:
        """The same, frame by frame, as they may be too many for one."""
        return self._frames.events()

    @cached_property
    def responses(self) -> pl.DataFrame:
        """What the shop showed on its home page, how likely it was to, and how people responded."""
        return pl.concat(self.response_frames())

    def response_frames(self) -> Iterator[pl.DataFrame]:
        """The same, frame by frame."""
        return self._frames.responses()

    @cached_property
    def truth(self) -> Truth:
        """What is true."""
        return Truth(self.story, self.named, self._frames)

    @cached_property
    def oracle(self) -> Oracle:
        """Who knows the value of everything."""
        return Oracle(self.story)


def simulate(size: Size, progress: Progress = silent) -> Shop:
    """The shop of this `size`: the same size is the same shop, event by event.

    Raises:
        InputError: a size of which no shop can be made; `field` names it.
    """
    return Shop(story.tell(world.make(size), progress))
