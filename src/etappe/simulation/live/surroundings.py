"""What all visits share while the shop is played live."""

from collections.abc import Iterator

import numpy as np

from etappe.simulation.goods.pieces import pieces
from etappe.simulation.live.client import Client
from etappe.simulation.live.crowd import Crowd
from etappe.simulation.record.properties import Labels
from etappe.simulation.story import Story
from etappe.simulation.visits.interest import Interest


class Surroundings:
    """What all visits share: the world, how the outside calls things, and what is sold out just now."""

    def __init__(self, story: Story, named: Labels, crowd: Crowd, client: Client, chance: np.random.Generator) -> None:
        self.story, self.world, self.crowd, self.client, self.chance = story, story.world, crowd, client, chance
        self.response = story.world.response
        self.interest = Interest(self.response, story.world.parameters.response)
        self.users, self.items = named.users.to_list(), named.items.to_list()
        self.row_of_item = {item: row for row, item in enumerate(self.items)}
        self.row_of_piece = {piece.id: row for row, piece in enumerate(pieces())}
        self.device_of = _last_devices(story, named)
        self.sold_out: set[int] = set()
        languages = [language for _, language, _ in story.world.parameters.people.countries]
        self.locales = ["de-DE" if language == "de" else "en-GB" for language in languages]

    @property
    def day(self) -> float:
        """Now, in days of the story."""
        return self.world.clock.days + self.crowd.now


def _last_devices(story: Story, named: Labels) -> dict[int, str]:
    """Each person's last device: whoever comes again comes with a cookie that the shop knows."""
    return dict(_owned(story, named))


def _owned(story: Story, named: Labels) -> Iterator[tuple[int, str]]:
    labels = named.devices.to_list()
    for device, owner in enumerate(story.devices.owner.tolist()):
        if owner >= 0:
            yield owner, labels[device]
