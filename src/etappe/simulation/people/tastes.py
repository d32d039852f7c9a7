"""What people want of each category, and what happens in their lives that changes it."""

import numpy as np

from etappe.simulation.chance import Wheels, stream
from etappe.simulation.goods.assortment import Assortment
from etappe.simulation.parameters import Parameters
from etappe.simulation.people.people import People
from etappe.simulation.tables import Floats, Ints, Table


class Life(Table, frozen=True):
    """One row a life event; at most one a person."""

    person: Ints
    day: Floats
    event: Ints
    """Place in the world's list."""


class Tastes:
    """Each person's taste, before and after what happened to them."""

    def __init__(self, share: Floats, after: Floats, life: Life) -> None:
        self.share = np.concatenate((share, after))
        """float64[rows, categories]; rows sum to 1. First a row for each person, then one for each life event."""
        self.life = life
        people = len(share)
        self._changes = np.full(people, np.inf)
        self._changes[life.person] = life.day
        self._after = np.arange(people)
        self._after[life.person] = people + np.arange(len(life))
        self._wheels = Wheels.of_rows(self.share)

    def row(self, person: Ints, day: Floats) -> Ints:
        """int64[n]: the row of `share` that holds for each `person` on each `day`."""
        return np.where(day >= self._changes[person], self._after[person], person)

    def draw(self, row: Ints, uniform: Floats) -> Ints:
        """int64[n]: a category by each `row` of `share`, by the numbers `uniform` [n] in [0, 1)."""
        return np.remainder(self._wheels.spin(row, uniform), self.share.shape[1], dtype=np.int64)


def make(parameters: Parameters, assortment: Assortment, people: People, days: int, seed: int) -> Tastes:
    """The tastes of all `people`, and their life events within `days`."""
    chance, said = stream(seed, "tastes"), parameters.people
    of_persona = _rows([one.tastes for one in parameters.personas], assortment)
    mixture = said.taste_main * of_persona[people.persona] + said.taste_second * of_persona[people.second]
    mixture += said.taste_everybody / len(assortment.categories)
    individual = mixture * chance.gamma(said.taste_shape, size=mixture.shape)
    share = individual / individual.sum(axis=1, keepdims=True)
    life = _lives(chance, parameters, len(people), days)
    wanted = _rows([one.tastes for one in parameters.life_events], assortment)[life.event]
    weight = np.array([one.weight for one in parameters.life_events])[life.event][:, None]
    return Tastes(share, (1 - weight) * share[life.person] + weight * wanted, life)


def _rows(tastes: list[dict[str, float]], assortment: Assortment) -> Floats:
    """float64[n, categories]: tables of wants as rows that sum to 1."""
    table = np.array([[one.get(category.path, 0.0) for category in assortment.categories] for one in tastes])
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _lives(chance: np.random.Generator, parameters: Parameters, people: int, days: int) -> Life:
    a_year = np.array([one.per_year for one in parameters.life_events])
    day = chance.exponential(365.0 / a_year, (people, len(a_year)))
    event = day.argmin(axis=1)
    first = day[np.arange(people), event]
    person = np.flatnonzero(first < days)
    return Life(person=person, day=first[person], event=event[person])
