"""The people who come: what they are like, what they want, how often they come. The shop never learns it as such."""

import numpy as np

from etappe.simulation.assortment import Assortment, Persona
from etappe.simulation.chance import Wheels, stream
from etappe.simulation.tables import Flags, Floats, Ints, Table

STRANGERS = 0.3
"""People who never identify themselves, for each customer who has an account."""
COUNTRIES = (
    ("DE", "de", 0.55), ("AT", "de", 0.12), ("CH", "de", 0.07), ("NL", "en", 0.09), ("GB", "en", 0.08),
    ("DK", "en", 0.05), ("IE", "en", 0.04),
)  # fmt: skip
"""Country, language there, share of people."""
_MAIN, _SECOND, _EVERYBODY = 0.78, 0.17, 0.05
"""Weights of a person's main persona, second persona, and of all categories alike in their taste."""
_INDIVIDUAL = 0.8
"""Shape of the gamma noise on each category: below 1, people want few of their persona's categories."""
_VISITS_A_DAY, _VISITS_SPREAD = 0.11, 0.7
"""Median and log spread of a customer's visits a day."""
_STRANGER_VISITS = 1 / 3
"""A stranger's visits, for one of a customer's."""
_OLD_CUSTOMERS = 0.6
"""Share of people who knew the shop before the first day."""
_APP_USERS, _THRIFTY = 0.35, 0.45


class People(Table, frozen=True):
    """One row a person: first all customers (`member`), then strangers."""

    member: Flags
    persona: Ints
    second: Ints
    taste: Floats
    """[people, categories]: how a person's interest divides; rows sum to 1."""
    style: Ints
    """The style preferred in every category."""
    thrifty: Flags
    """Looks at the cheaper half of a category rather than at the dearer."""
    visits: Floats
    """Mean visits a day."""
    since: Floats
    """Day (of the simulation) of the first possible visit; negative for those who knew the shop before."""
    app: Flags
    country: Ints


def make(assortment: Assortment, personas: tuple[Persona, ...], customers: int, days: int, seed: int) -> People:
    """The `customers` with an account, and the strangers beside them."""
    chance = stream(seed, "people")
    count = customers + round(customers * STRANGERS)
    member = np.arange(count) < customers
    share = np.array([persona.share for persona in personas])
    persona, second = chance.choice(len(personas), (2, count), p=share / share.sum())
    countries = np.array([weight for _, _, weight in COUNTRIES])
    return People(
        member=member,
        persona=persona,
        second=second,
        taste=_tastes(chance, assortment, personas, persona, second),
        style=chance.integers(len(assortment.styles), size=count),
        thrifty=chance.random(count) < _THRIFTY,
        visits=_visits(chance, member),
        since=_since(chance, count, days),
        app=member & (chance.random(count) < _APP_USERS),
        country=chance.choice(len(COUNTRIES), count, p=countries / countries.sum()),
    )


def _tastes(
    chance: np.random.Generator, assortment: Assortment, personas: tuple[Persona, ...], persona: Ints, second: Ints
) -> Floats:
    """float64[people, categories]: a mixture of two personas and of everybody, made individual by gamma noise."""
    categories = assortment.categories
    of_persona = np.array([[one.tastes.get(category.path, 0.0) for category in categories] for one in personas])
    of_persona /= of_persona.sum(axis=1, keepdims=True)
    mixture = _MAIN * of_persona[persona] + _SECOND * of_persona[second] + _EVERYBODY / of_persona.shape[1]
    individual = mixture * chance.gamma(_INDIVIDUAL, size=mixture.shape)
    return np.asarray(individual / individual.sum(axis=1, keepdims=True))


def _visits(chance: np.random.Generator, member: Flags) -> Floats:
    of_customer = _VISITS_A_DAY * np.exp(chance.normal(0, _VISITS_SPREAD, len(member)))
    return np.where(member, of_customer, of_customer * _STRANGER_VISITS)


def _since(chance: np.random.Generator, count: int, days: int) -> Floats:
    """Newcomers arrive evenly over the days, all before the last hours."""
    arrival = chance.random(count) * days * 0.98
    return np.where(chance.random(count) < _OLD_CUSTOMERS, -1.0, arrival)


class Tastes:
    """Draws categories by the tastes of people."""

    def __init__(self, people: People) -> None:
        self._categories = people.taste.shape[1]
        self._wheels = Wheels.of_rows(people.taste)

    def draw(self, person: Ints, uniform: Floats) -> Ints:
        """int64[n]: a category for each `person` [n], by the numbers `uniform` [n] in [0, 1)."""
        return np.remainder(self._wheels.spin(person, uniform), self._categories, dtype=np.int64)
