"""The people who come: what they are like and what they want. The shop never learns it as such."""

from typing import Final

import numpy as np

from etappe.simulation.chance import stream
from etappe.simulation.clock import HABITS
from etappe.simulation.goods.assortment import Assortment
from etappe.simulation.parameters import Parameters, PeopleParameters
from etappe.simulation.tables import Flags, Floats, Ints, Table

NOBODY: Final = -1
CHANNELS: Final = ("web", "app", "email", "store")
"""What people prefer."""
_CHANNEL_SHARES: Final = (0.5, 0.25, 0.15, 0.1)
_OFFICE: Final = HABITS.index("office")
_NIGHT_OWLS: Final = 0.3
"""Share of people who keep other hours than most of their persona."""
_CONCENTRATION: Final = 6.0
"""Of the beta distribution around a persona's mean price, eco and brand mindedness."""


class People(Table, frozen=True):
    """One row a person: first all customers (`member`), household by household, then strangers."""

    member: Flags
    persona: Ints
    second: Ints
    style: Ints
    """The style preferred in every category."""
    price: Floats
    """How much they mind the price, 0 to 1; likewise:"""
    eco: Floats
    brand: Floats
    favourite: Ints
    """[people, departments]: the brand they come back to."""
    activity: Floats
    """By how much they come more often than others in the same stage."""
    pace: Floats
    """By how much their stages last longer."""
    resolve: Floats
    """How readily they move on (logit)."""
    since: Floats
    """Day (of the story) from which they can know the shop; -1 for those who knew it before."""
    habit: Ints
    """Place in `clock.HABITS`: the hours they keep."""
    channel: Ints
    """Place in CHANNELS, preferred."""
    country: Ints
    business: Flags
    app: Flags
    card: Flags
    """Has a loyalty card."""
    newsletter: Flags
    proxied: Flags
    """The provider of their mail box fetches pictures before they look."""
    household: Ints
    tablet: Flags
    """The household has a tablet that all of it use."""
    referrer: Ints
    """The customer who brought them along, or NOBODY."""
    born: Ints
    """Year."""
    tells: Flags
    """Tells the shop more of themselves than it needs."""


def make(parameters: Parameters, assortment: Assortment, customers: int, days: int, seed: int) -> People:
    """The `customers` with an account, and the strangers beside them."""
    chance, said = stream(seed, "people"), parameters.people
    count = customers + round(customers * said.strangers)
    member = np.arange(count) < customers
    persona, second = _personas(chance, parameters, count)
    household, tablet = _households(chance, said, member)
    alone = np.bincount(household)[household] == 1
    business = member & alone & (chance.random(count) < said.business / _living_alone(said))
    since = _since(chance, said, member, days)
    return People(
        member=member,
        persona=persona,
        second=second,
        style=chance.integers(len(assortment.styles), size=count),
        price=_mind(chance, parameters, "price", persona),
        eco=_mind(chance, parameters, "eco", persona),
        brand=_mind(chance, parameters, "brand", persona),
        favourite=_favourites(chance, assortment, count),
        activity=np.exp(chance.normal(0, said.activity_spread, count)) * np.where(member, 1.0, said.strangers_come),
        pace=np.exp(chance.normal(0, said.pace_spread, count)),
        resolve=chance.normal(0, said.resolve_spread, count) + np.where(member, 0.0, said.strangers_resolve),
        since=since,
        habit=np.where(business, _OFFICE, _habits(chance, parameters, persona)),
        channel=np.where(member, chance.choice(len(CHANNELS), count, p=_CHANNEL_SHARES), 0),
        country=_of_household(chance, household, np.array([share for _, _, share in said.countries])),
        business=business,
        app=member & (chance.random(count) < said.app),
        card=member & (chance.random(count) < said.loyalty_card),
        newsletter=member & (chance.random(count) < said.newsletter),
        proxied=chance.random(count) < said.proxied_mail,
        household=household,
        tablet=tablet,
        referrer=_referrers(chance, said, member, since),
        born=(2026 - np.clip(chance.normal(44, 14, count), 18, 88)).astype(np.int64),
        tells=chance.random(count) < parameters.told.traits,
    )


def _personas(chance: np.random.Generator, parameters: Parameters, count: int) -> Ints:
    """int64[2, people]: the main and the second persona."""
    share = np.array([persona.share for persona in parameters.personas])
    drawn: Ints = chance.choice(len(share), (2, count), p=share / share.sum())
    return drawn


def _mind(chance: np.random.Generator, parameters: Parameters, field: str, persona: Ints) -> Floats:
    """float64[people]: a trait between 0 and 1 around the persona's mean."""
    mean = np.array([getattr(one, field) for one in parameters.personas])[persona]
    return np.asarray(chance.beta(mean * _CONCENTRATION, (1 - mean) * _CONCENTRATION))


def _habits(chance: np.random.Generator, parameters: Parameters, persona: Ints) -> Ints:
    usual = np.array([HABITS.index(one.hours) for one in parameters.personas])[persona]
    other = chance.integers(_OFFICE, size=len(persona))
    return np.where(chance.random(len(persona)) < _NIGHT_OWLS, other, usual)


def _favourites(chance: np.random.Generator, assortment: Assortment, count: int) -> Ints:
    """int64[people, departments]: a brand of each department."""
    sizes = [len(department.brands) for department in assortment.departments]
    before = np.cumsum([0, *sizes[:-1]])
    return np.stack([start + chance.integers(size, size=count) for start, size in zip(before, sizes, strict=True)], 1)


def _households(chance: np.random.Generator, said: PeopleParameters, member: Flags) -> tuple[Ints, Flags]:
    """Number of each person's household (customers live together, strangers alone), and whether it has a tablet."""
    sizes = chance.choice(len(said.household_sizes), len(member), p=said.household_sizes) + 1
    together = np.repeat(np.arange(len(sizes)), sizes)[: int(member.sum())]
    alone = int(together[-1]) + 1 + np.arange(len(member) - len(together))
    household = np.concatenate((together, alone))
    size = np.bincount(household)
    tablet = (size > 1) & (chance.random(len(size)) < said.shared_tablet)
    return household, tablet[household]


def _living_alone(said: PeopleParameters) -> float:
    """The share of customers who live alone."""
    people = sum(size * share for size, share in enumerate(said.household_sizes, start=1))
    return said.household_sizes[0] / people


def _of_household(chance: np.random.Generator, household: Ints, share: Floats) -> Ints:
    drawn: Ints = chance.choice(len(share), int(household[-1]) + 1, p=share / share.sum())
    return drawn[household]


def _since(chance: np.random.Generator, said: PeopleParameters, member: Flags, days: int) -> Floats:
    """Newcomers arrive evenly over the days, all before the last hours."""
    arrival = chance.random(len(member)) * days * 0.98
    strangers = said.old_customers if said.strangers_old is None else said.strangers_old
    return np.where(chance.random(len(member)) < np.where(member, said.old_customers, strangers), -1.0, arrival)


def _referrers(chance: np.random.Generator, said: PeopleParameters, member: Flags, since: Floats) -> Ints:
    """Some newcomers were brought along by a customer who knew the shop before."""
    old = np.flatnonzero(member & (since < 0))
    drawn = chance.random(len(member)) < said.referred
    if not len(old):
        return np.full(len(member), NOBODY)
    return np.where(member & (since >= 0) & drawn, old[chance.integers(len(old), size=len(member))], NOBODY)
