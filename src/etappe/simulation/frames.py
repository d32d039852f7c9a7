"""Events as a frame of the native event columns, with ids and words in place of numbers."""

import hashlib
from typing import Final

import msgspec
import numpy as np
import polars as pl

from etappe.events.vocabulary import CHANNELS, NAMES
from etappe.simulation.assortment import LANGUAGES, Assortment
from etappe.simulation.catalogue import CURRENCY, item_ids
from etappe.simulation.goods import Goods
from etappe.simulation.happenings import CART, CLICK, PURCHASE, SEARCH, TRAITS, Moments
from etappe.simulation.identities import Devices, Identities
from etappe.simulation.people import COUNTRIES, People
from etappe.simulation.tables import Flags, Ints
from etappe.simulation.visits import EMAIL, WEB, Visits

TIME: Final = pl.Datetime("us", "UTC")


class Labels(msgspec.Struct, frozen=True):
    """The ids by which the outside knows things, by row. Strangers have a label, which is shown nowhere."""

    run: str
    """Tells this simulation's events and orders from those of any other."""
    users: pl.Series
    devices: pl.Series
    items: pl.Series


def labels(run: str, people: People, devices: Devices, goods: Goods, assortment: Assortment) -> Labels:
    """The ids of all people, devices and items of the simulation `run`."""
    salt = run.encode()
    tokens = [hashlib.blake2b(b"%d" % number, digest_size=8, salt=salt).hexdigest() for number in range(len(devices))]
    return Labels(
        run=run,
        users=pl.Series([f"C{number:05}" for number in range(1, len(people) + 1)], dtype=pl.String),
        devices=pl.Series([f"anon-{token}" for token in tokens], dtype=pl.String),
        items=pl.Series(item_ids(goods, assortment), dtype=pl.String),
    )


def events(
    moments: Moments,
    visits: Visits,
    identities: Identities,
    people: People,
    goods: Goods,
    assortment: Assortment,
    named: Labels,
) -> pl.DataFrame:
    """The native event columns, one row a moment, in their order."""
    visit, code = moments.visit, moments.code
    person = visits.person[visit]
    of_item = (moments.item >= 0) & (code != SEARCH)
    sold = (code == CART) | (code == PURCHASE)
    number = pl.Series(np.arange(len(moments))).cast(pl.String).str.zfill(9)
    return pl.DataFrame(
        {
            "event_id": f"{named.run}-" + number,
            "timestamp": pl.Series(moments.time).cast(TIME),
            "event": pl.Series([NAMES.get(place, "") for place in range(max(NAMES) + 1)]).gather(code),
            "user_id": _where(identities.known_from[visit] <= moments.place, named.users, person),
            "anonymous_id": _where(identities.device[visit] >= 0, named.devices, identities.device[visit]),
            "item_id": _where(of_item, named.items, moments.item),
            "quantity": _where(sold, pl.Series(moments.quantity, dtype=pl.Int32), np.arange(len(moments))),
            "price": _where(sold, pl.Series(goods.price), moments.item),
            "currency": _where(sold, pl.Series([CURRENCY]), np.zeros_like(code)),
            "order_id": _orders(moments, named.run),
            "channel": pl.Series(CHANNELS).gather(_channels(moments, visits)),
            "properties": _where(*_properties(moments, person, people, goods, assortment)),
        }
    )


def _where(flags: Flags, words: pl.Series, rows: Ints) -> pl.Series:
    """The word of each row, null where the flag does not hold."""
    index = pl.Series(np.where(flags, rows, 0))
    return words.gather(index.set(pl.Series(~flags), None))


def _orders(moments: Moments, run: str) -> pl.Series:
    """The order id of each purchase line: orders are numbered as they come in."""
    bought = moments.code == PURCHASE
    visit = moments.visit[bought]
    _, first, place = np.unique(visit, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first)) + 1
    named = pl.Series([f"O-{run}-{order:06}" for order in range(1, len(first) + 1)], dtype=pl.String)
    rows = np.zeros(len(moments), dtype=np.int64)
    rows[bought] = number[place] - 1
    return _where(bought, named, rows)


def _channels(moments: Moments, visits: Visits) -> Ints:
    """int64[moments]: who follows an e-mail is on the web from then on."""
    channel = visits.channel[moments.visit]
    return np.where((channel == EMAIL) & (moments.code != CLICK), WEB, channel)


def _properties(
    moments: Moments, person: Ints, people: People, goods: Goods, assortment: Assortment
) -> tuple[Flags, pl.Series, Ints]:
    """Which moments have properties, all there are as JSON, and which of them each moment has."""
    terms, starts = _search_terms(assortment)
    traits = [{"country": country, "language": language} for country, language, _ in COUNTRIES]
    country = people.country[person]
    german = np.array([LANGUAGES.index(language) for _, language, _ in COUNTRIES])[country]
    searched = starts[goods.category[moments.item]] + goods.kind[moments.item] * len(LANGUAGES) + german
    rows = np.where(moments.code == SEARCH, searched, len(terms) + country)
    words = [msgspec.json.encode(one).decode() for one in terms + traits]
    return np.isin(moments.code, (SEARCH, TRAITS)), pl.Series(words), rows


def _search_terms(assortment: Assortment) -> tuple[list[dict[str, str]], Ints]:
    """What is searched for, by category, kind and language; and where each category begins."""
    names = [[kind.en.lower(), kind.de] for category in assortment.categories for kind in category.kinds]
    before = np.cumsum([0] + [len(category.kinds) * len(LANGUAGES) for category in assortment.categories])
    return [{"search_term": name} for pair in names for name in pair], before[:-1]
