"""What is true of the shop and what no shop is told: tests and evaluations may look here, Etappe never does."""

import msgspec
import numpy as np
import polars as pl

from etappe.simulation.assortment import Assortment, Persona
from etappe.simulation.frames import TIME, Labels
from etappe.simulation.goods import NONE, Goods
from etappe.simulation.identities import Devices
from etappe.simulation.people import COUNTRIES, People
from etappe.simulation.rhythm import DAY, Rhythm


class Truth(msgspec.Struct, frozen=True, eq=False):
    """The truth as frames, each one file of `truth/`."""

    customers: pl.DataFrame
    """One row a person; `user_id` is null for strangers. `taste` columns sum to 1 in each row."""
    items: pl.DataFrame
    """One row an item; `cluster` is category and style, what people's tastes are made of."""
    complements: pl.DataFrame
    """`partner_id` comes along with a bought `item_id` with this `chance`, unless the cart is full."""
    devices: pl.DataFrame
    """Whose each anonymous id is; `person` is the row of `customers`."""

    def frames(self) -> dict[str, pl.DataFrame]:
        """The frames by name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def truth(
    people: People,
    goods: Goods,
    devices: Devices,
    assortment: Assortment,
    personas: tuple[Persona, ...],
    rhythm: Rhythm,
    named: Labels,
) -> Truth:
    """The truth about all people, goods and devices."""
    whose = pl.DataFrame({"anonymous_id": named.devices, "person": devices.person})
    return Truth(
        customers=_customers(people, assortment, personas, rhythm, named),
        items=_items(goods, assortment, named),
        complements=_complements(goods, named),
        devices=whose,
    )


def _customers(
    people: People, assortment: Assortment, personas: tuple[Persona, ...], rhythm: Rhythm, named: Labels
) -> pl.DataFrame:
    kinds = pl.Series([persona.name for persona in personas])
    since = rhythm.start + (people.since * DAY).astype(np.int64)
    columns = {
        "person": pl.Series(np.arange(len(people))),
        "user_id": pl.select(pl.when(pl.Series(people.member)).then(named.users)).to_series(),
        "persona": kinds.gather(people.persona),
        "second_persona": kinds.gather(people.second),
        "style": pl.Series(assortment.styles).gather(people.style),
        "thrifty": pl.Series(people.thrifty),
        "visits_per_day": pl.Series(people.visits),
        "since": pl.select(pl.when(pl.Series(people.since >= 0)).then(pl.Series(since).cast(TIME))).to_series(),
        "country": pl.Series([country for country, _, _ in COUNTRIES]).gather(people.country),
    }
    tastes = {f"taste {one.path}": people.taste[:, place] for place, one in enumerate(assortment.categories)}
    return pl.DataFrame(columns | tastes)


def _items(goods: Goods, assortment: Assortment, named: Labels) -> pl.DataFrame:
    category = pl.Series([category.path for category in assortment.categories]).gather(goods.category)
    style = pl.Series(assortment.styles).gather(goods.style)
    return pl.DataFrame(
        {
            "item_id": named.items,
            "category": category,
            "style": style,
            "cluster": category + "/" + style,
            "product": goods.product,
            "attraction": goods.attraction,
            "cycle_days": pl.Series(goods.cycle).replace(np.inf, None),
        }
    )


def _complements(goods: Goods, named: Labels) -> pl.DataFrame:
    rows = np.flatnonzero(goods.partner != NONE)
    return pl.DataFrame(
        {
            "item_id": named.items.gather(rows),
            "partner_id": named.items.gather(goods.partner[rows]),
            "chance": goods.chance[rows],
        }
    )
