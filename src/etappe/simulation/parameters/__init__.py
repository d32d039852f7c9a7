"""The parameters of a world, typed: everything in which one truth differs from another, read from `worlds/N.toml`.

Versions are frozen: `tests/unit/simulation/test_frozen.py` holds the checksum of each.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec
import numpy as np

from etappe.errors import InputError
from etappe.simulation.parameters.sections import ByStage, Chance, Positive, Section
from etappe.simulation.parameters.told import Care, Mishaps, ToldParameters
from etappe.simulation.tables import Floats

VERSION: Final = 1
"""The world that is made where none is named."""
STAGES: Final = ("awareness", "consideration", "decision", "retention", "loyalty")
AWARENESS, CONSIDERATION, DECISION, RETENTION, LOYALTY = range(5)


class Persona(Section, frozen=True):
    """A kind of person."""

    name: str
    share: Chance
    price: Chance
    eco: Chance
    brand: Chance
    hours: Literal["early", "day", "evening"]
    tastes: dict[str, Positive]


class LifeEvent(Section, frozen=True):
    """Something after which a person wants other things."""

    name: str
    per_year: Positive
    weight: Chance
    tastes: dict[str, Positive]


class Stage(Section, frozen=True):
    """How long a stage lasts, where it leads, and how people behave in it."""

    name: str
    dwell: Positive
    spread: Positive
    advance: float
    onward: str
    otherwise: dict[str, Chance]
    at_first: Chance
    visits: Positive
    views: Positive
    search: Chance
    wish: Chance
    cart: Chance
    pay: Chance


class PeopleParameters(Section, frozen=True):
    """Who there is."""

    strangers: Positive
    business: Chance
    old_customers: Chance
    referred: Chance
    app: Chance
    loyalty_card: Chance
    newsletter: Chance
    proxied_mail: Chance
    activity_spread: Positive
    pace_spread: Positive
    resolve_spread: Positive
    household_sizes: tuple[Chance, ...]
    shared_tablet: Chance
    countries: tuple[tuple[str, str, Chance], ...]
    taste_main: Chance
    taste_second: Chance
    taste_everybody: Chance
    taste_shape: Positive
    strangers_come: Positive = 0.5
    strangers_resolve: float = -0.7
    strangers_old: Chance | None = None


class VisitParameters(Section, frozen=True):
    """What happens in a visit."""

    mood: Chance
    views_spread: Positive
    most_views: int
    same_category: dict[str, Chance]
    wander: Chance
    look_back: Chance
    wish_return: Chance
    wish_lift: Positive
    second_look: Positive
    store: dict[str, Chance]
    app: Chance
    tablet: Chance
    phone: Chance
    home: Chance
    checkout_steps: Chance
    hesitates: dict[str, Chance]
    business_views: Positive
    business_cart: Positive
    business_quantity: Positive
    keen_cart: Chance
    store_sale: dict[str, Chance]
    store_lines: Positive
    most_lines: int
    arrive: Chance = 0.0


class ReorderParameters(Section, frozen=True):
    """How what is used up is bought again."""

    habit: Chance
    keeps: Chance
    jitter: Positive
    together_days: Positive
    by_stage: dict[str, Chance]


class Touchpoint(Section, frozen=True):
    """A way in which people are touched, how often, and what it changes."""

    name: str
    kind: Literal["ad", "organic", "social", "email", "store", "service", "referral"]
    source: str
    medium: str
    effect: ByStage
    rate: ByStage = (0, 0, 0, 0, 0)
    every_days: Positive | None = None
    open: ByStage = (0, 0, 0, 0, 0)
    click: ByStage = (0, 0, 0, 0, 0)
    follows: float = 0.0


class Touch(Section, frozen=True):
    """What holds of all touchpoints."""

    fading: Chance


class ItemResponse(Section, frozen=True):
    """How people respond to items that are shown."""

    taste: float
    style: float
    price: float
    eco: float
    brand: float
    attraction: float
    season: float
    click: ByStage
    buy: ByStage
    examine: Positive
    fatigue: Chance
    delay_days: Positive
    at_once: Chance
    style_views: float
    price_views: float
    eco_views: float
    brand_views: Chance


class KindResponse(Section, frozen=True):
    """How people respond to one kind of pieces, by stage."""

    click: ByStage
    buy: ByStage
    lift: ByStage
    peak: Positive
    thrift: float = 0.0


class PieceResponse(Section, frozen=True):
    """How people respond to pieces."""

    topic: float
    drift: float
    kinds: dict[str, KindResponse]


class ShelfParameters(Section, frozen=True):
    """What changes on the shelves."""

    launched: Chance
    sold_out_per_100_days: Positive
    sold_out_days: Positive
    price_changes: Chance
    promoted_per_100_days: Positive
    promotion: tuple[Chance, Chance]
    promotion_days: tuple[Positive, Positive]
    substitutes: int
    takes_substitute: Chance


class Parameters(Section, frozen=True):
    """A whole world."""

    people: PeopleParameters
    personas: tuple[Persona, ...]
    life_events: tuple[LifeEvent, ...]
    stages: tuple[Stage, ...]
    visits: VisitParameters
    reorders: ReorderParameters
    touch: Touch
    touchpoints: tuple[Touchpoint, ...]
    response: ItemResponse
    pieces: PieceResponse
    shelf: ShelfParameters
    seasons: dict[str, tuple[float, float]]
    told: ToldParameters
    mishaps: Mishaps
    care: Care | None = None

    def by_stage(self, field: str) -> Floats:
        """float64[5]: a number that each stage has."""
        return np.array([getattr(stage, field) for stage in self.stages])

    def onward(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """int64[5]: the stage to which each one leads."""
        return np.array([STAGES.index(stage.onward) for stage in self.stages])

    def otherwise(self) -> Floats:
        """float64[5, 5]: where people go who do not move on; rows sum to 1."""
        return np.array([[stage.otherwise.get(name, 0.0) for name in STAGES] for stage in self.stages])


def named_by_stage(numbers: dict[str, float]) -> Floats:
    """float64[5]: a table with a number for each stage, in their order."""
    return np.array([numbers[name] for name in STAGES])


def versions() -> tuple[int, ...]:
    """All worlds there are."""
    files = resources.files("etappe.simulation").joinpath("worlds").iterdir()
    return tuple(sorted(int(file.name.removesuffix(".toml")) for file in files if file.name.endswith(".toml")))


@cache
def load(version: int = VERSION) -> Parameters:
    """The parameters of a world.

    Raises:
        InputError: there is no such world.
    """
    if version not in versions():
        raise InputError(f"world is {version}; there are {', '.join(map(str, versions()))}", field="world")
    return msgspec.convert(tomllib.loads(source(version)), Parameters)


def source(version: int) -> str:
    """The file of a world as it is written."""
    return resources.files("etappe.simulation").joinpath("worlds", f"{version}.toml").read_text(encoding="utf-8")
