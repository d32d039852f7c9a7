"""The parameters of a world, typed: everything in which one truth differs from another, read from `worlds/N.toml`.

Versions are frozen: `tests/unit/simulation/test_frozen.py` holds the checksum of each.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta

from etappe.errors import InputError
from etappe.simulation.tables import Floats

VERSION: Final = 1
"""The world that is made where none is named."""
STAGES: Final = ("awareness", "consideration", "decision", "retention", "loyalty")
AWARENESS, CONSIDERATION, DECISION, RETENTION, LOYALTY = range(5)

_Positive = Annotated[float, Meta(gt=0)]
_Chance = Annotated[float, Meta(ge=0, le=1)]
_ByStage = tuple[float, float, float, float, float]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; the comments there say what its fields mean."""


class Persona(_Table, frozen=True):
    """A kind of person."""

    name: str
    share: _Chance
    price: _Chance
    eco: _Chance
    brand: _Chance
    hours: Literal["early", "day", "evening"]
    tastes: dict[str, _Positive]


class LifeEvent(_Table, frozen=True):
    """Something after which a person wants other things."""

    name: str
    per_year: _Positive
    weight: _Chance
    tastes: dict[str, _Positive]


class Stage(_Table, frozen=True):
    """How long a stage lasts, where it leads, and how people behave in it."""

    name: str
    dwell: _Positive
    spread: _Positive
    advance: float
    onward: str
    otherwise: dict[str, _Chance]
    at_first: _Chance
    visits: _Positive
    views: _Positive
    search: _Chance
    wish: _Chance
    cart: _Chance
    pay: _Chance


class PeopleParameters(_Table, frozen=True):
    """Who there is."""

    strangers: _Positive
    business: _Chance
    old_customers: _Chance
    referred: _Chance
    app: _Chance
    loyalty_card: _Chance
    newsletter: _Chance
    proxied_mail: _Chance
    activity_spread: _Positive
    pace_spread: _Positive
    resolve_spread: _Positive
    household_sizes: tuple[_Chance, ...]
    shared_tablet: _Chance
    countries: tuple[tuple[str, str, _Chance], ...]
    taste_main: _Chance
    taste_second: _Chance
    taste_everybody: _Chance
    taste_shape: _Positive
    strangers_come: _Positive = 0.5
    strangers_resolve: float = -0.7
    strangers_old: _Chance | None = None


class VisitParameters(_Table, frozen=True):
    """What happens in a visit."""

    mood: _Chance
    views_spread: _Positive
    most_views: int
    same_category: dict[str, _Chance]
    wander: _Chance
    look_back: _Chance
    wish_return: _Chance
    wish_lift: _Positive
    second_look: _Positive
    store: dict[str, _Chance]
    app: _Chance
    tablet: _Chance
    phone: _Chance
    home: _Chance
    checkout_steps: _Chance
    hesitates: dict[str, _Chance]
    business_views: _Positive
    business_cart: _Positive
    business_quantity: _Positive
    keen_cart: _Chance
    store_sale: dict[str, _Chance]
    store_lines: _Positive
    most_lines: int
    arrive: _Chance = 0.0


class ReorderParameters(_Table, frozen=True):
    """How what is used up is bought again."""

    habit: _Chance
    keeps: _Chance
    jitter: _Positive
    together_days: _Positive
    by_stage: dict[str, _Chance]


class Touchpoint(_Table, frozen=True):
    """A way in which people are touched, how often, and what it changes."""

    name: str
    kind: Literal["ad", "organic", "social", "email", "store", "service", "referral"]
    source: str
    medium: str
    effect: _ByStage
    rate: _ByStage = (0, 0, 0, 0, 0)
    every_days: _Positive | None = None
    open: _ByStage = (0, 0, 0, 0, 0)
    click: _ByStage = (0, 0, 0, 0, 0)
    follows: float = 0.0


class Touch(_Table, frozen=True):
    """What holds of all touchpoints."""

    fading: _Chance


class ItemResponse(_Table, frozen=True):
    """How people respond to items that are shown."""

    taste: float
    style: float
    price: float
    eco: float
    brand: float
    attraction: float
    season: float
    click: _ByStage
    buy: _ByStage
    examine: _Positive
    fatigue: _Chance
    delay_days: _Positive
    at_once: _Chance
    style_views: float
    price_views: float
    eco_views: float
    brand_views: _Chance


class KindResponse(_Table, frozen=True):
    """How people respond to one kind of pieces, by stage."""

    click: _ByStage
    buy: _ByStage
    lift: _ByStage
    peak: _Positive
    thrift: float = 0.0


class PieceResponse(_Table, frozen=True):
    """How people respond to pieces."""

    topic: float
    drift: float
    kinds: dict[str, KindResponse]


class ShelfParameters(_Table, frozen=True):
    """What changes on the shelves."""

    launched: _Chance
    sold_out_per_100_days: _Positive
    sold_out_days: _Positive
    price_changes: _Chance
    promoted_per_100_days: _Positive
    promotion: tuple[_Chance, _Chance]
    promotion_days: tuple[_Positive, _Positive]
    substitutes: int
    takes_substitute: _Chance


class ToldParameters(_Table, frozen=True):
    """What of all that the shop gets to know."""

    stays_logged_in: _Chance
    logs_in: _Chance
    guest_checkout: _Chance
    new_cookie: _Chance
    ignores: _Chance
    rates: _Chance
    refunds: _Chance
    shares: _Chance
    gift: _Chance
    traits: _Chance


class Care(_Table, frozen=True):
    """What the shop's other systems do and ask."""

    delivery_days: _Positive
    late: _Chance
    late_days: _Positive
    complains: _Chance
    complains_late: _Chance
    complaint_days: _Positive
    answers: _Chance
    answer_days: _Positive
    recommends: _ByStage
    late_costs: float
    complaint_costs: float
    spread: _Positive
    messages: _Positive
    opens: _ByStage
    follows: _Chance
    read_days: _Positive


class Mishaps(_Table, frozen=True):
    """What goes wrong on the way, and who else is about."""

    duplicates: _Chance
    late: _Chance
    late_hours: _Positive
    wrong_clocks: _Chance
    clock_hours: _Positive
    lost_devices: _Chance
    denied: _Chance
    withdrawn: _Chance
    crawlers: _Chance
    staff: _Chance


class Parameters(_Table, frozen=True):
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
    files = resources.files(__package__).joinpath("worlds").iterdir()
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
    return resources.files(__package__).joinpath("worlds", f"{version}.toml").read_text(encoding="utf-8")
