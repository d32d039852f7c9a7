"""What events say in their properties, as JSON."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from etappe.simulation.goods.assortment import LANGUAGES
from etappe.simulation.record.record import Record
from etappe.simulation.tables import Ints
from etappe.simulation.visits.shown import LIST as LENGTH
from etappe.simulation.world import World

NOTHING = 0
(
    SEARCH, CAMPAIGN, TRAITS, CONSENT, PIECE, LIST, SELECT, MAIL, SENT, PROXY, RATING, SERVICE, CARD, RECEIPT, CRAWLER,
    STAFF, REFERRED, NEWSLETTER, DELIVERED, COMPLAINED, RECOMMENDS, FELT, HANDLED, MESSAGE,
) = range(1, 25)  # fmt: skip

TOPICS: Final = ("delivery", "product", "return", "payment")
MESSAGES: Final = ("parcel", "back-in-stock", "weekend")
CRAWLERS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
PROXY_AGENT: Final = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
PLACEMENT_OF_LIST, PLACEMENT_OF_PIECE = "home.top", "home.hero"
MAIL_DOMAIN: Final = "example.org"


class Labels(msgspec.Struct, frozen=True, eq=False):
    """The ids by which the outside knows things, by row. Strangers have a label too, which is shown nowhere."""

    run: str
    """Tells this world's events and orders from those of any other."""
    users: pl.Series
    devices: pl.Series
    items: pl.Series
    pieces: pl.Series


class Teller:
    """Makes the properties of events of one world."""

    def __init__(self, world: World, named: Labels, first_shown: Ints, shown_items: Ints) -> None:
        """`first_shown` [visits + 1] says where in `shown_items` the list of each visit begins."""
        self._world, self._named = world, named
        self._first, self._shown = first_shown, shown_items
        self._terms, self._term = _search_terms(world)
        self._traits = _traits(world, named.users)
        self._say: dict[int, Callable[[Record], pl.Series]] = {
            SEARCH: lambda rows: self._terms.gather(self._term_of(rows)),
            CAMPAIGN: lambda rows: _campaigns(world).gather(rows.ref),
            TRAITS: lambda rows: self._traits.gather(rows.ref),
            CONSENT: lambda rows: _json({"personalisation": False}, {"personalisation": True}).gather(rows.ref),
            PIECE: self._piece,
            LIST: self._list,
            SELECT: self._select,
            MAIL: lambda rows: self._mail(rows, ""),
            SENT: lambda rows: self._mail(rows, '"event_name":"email_send",'),
            PROXY: lambda rows: self._mail(rows, f'"user_agent":"{PROXY_AGENT}",'),
            RATING: lambda rows: _json(*({"rating": stars} for stars in range(6))).gather(rows.ref),
            SERVICE: lambda rows: _SERVICE.gather(rows.other * 2 + rows.ref),
            CARD: lambda rows: '{"loyalty_card":"' + _cards(rows.ref) + '"}',
            RECEIPT: lambda rows: '{"receipt_email":"' + addresses(named.users.gather(rows.ref)) + '"}',
            CRAWLER: lambda rows: _json(*({"user_agent": agent} for agent in CRAWLERS)).gather(rows.ref),
            STAFF: lambda rows: _json({"staff": True}).gather(np.zeros(len(rows), np.int64)),
            REFERRED: lambda rows: '{"referrer":"' + self._referrers(rows.ref) + '"}',
            DELIVERED: lambda rows: _json({"late": False}, {"late": True}).gather(rows.ref),
            COMPLAINED: lambda rows: _json(*({"topic": topic, "state": "open"} for topic in TOPICS)).gather(rows.ref),
            RECOMMENDS: lambda rows: _answers("recommends", 0, 11).gather(rows.ref),
            FELT: lambda rows: _answers("service_felt", 1, 6).gather(np.asarray(rows.ref) - 1),
            HANDLED: lambda rows: _HANDLED.gather(rows.other * 2 + rows.ref),
            MESSAGE: lambda rows: _json(*({"source": "crm", "campaign": name} for name in MESSAGES)).gather(rows.ref),
            NEWSLETTER: lambda rows: _json({"list": "newsletter"}).gather(np.zeros(len(rows), np.int64)),
        }

    def of(self, rows: Record) -> pl.Series:
        """The properties of each event, null where it says nothing."""
        said = np.asarray(rows.said)
        order = np.argsort(said, kind="stable")
        kinds, starts = np.unique(said[order], return_index=True)
        parts = []
        for kind, part in zip(kinds.tolist(), np.split(order, starts)[1:], strict=True):
            empty = pl.Series([None], dtype=pl.String).new_from_index(0, len(part))
            parts.append(empty if kind == NOTHING else self._say[kind](rows.at(part)))
        told = pl.concat(parts, rechunk=True) if parts else pl.Series([], dtype=pl.String)
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return told.gather(back)

    def decisions(self, visit: Ints) -> pl.Series:
        """The id of the decision that was shown in each visit."""
        return f"{self._named.run}-d" + pl.Series(visit, dtype=pl.Int64).cast(pl.String)

    def _piece(self, rows: Record) -> pl.Series:
        begin = '{"decision":"' + self.decisions(rows.ref)
        piece = self._named.pieces.gather(rows.other)
        return begin + f'","placement":"{PLACEMENT_OF_PIECE}","position":0,"piece":"' + piece + '"}'

    def _list(self, rows: Record) -> pl.Series:
        start, end = self._first[rows.ref], self._first[np.asarray(rows.ref) + 1]
        columns = []
        for position in range(LENGTH):
            there = start + position < end
            place = self._shown[np.where(there, start + position, 0)] if len(self._shown) else start * 0
            columns.append(where(there, self._named.items, place).alias(str(position)))
        items = pl.select(pl.concat_str(columns, separator='","', ignore_nulls=True)).to_series()
        begin = '{"decision":"' + self.decisions(rows.ref)
        return begin + f'","placement":"{PLACEMENT_OF_LIST}","items":["' + items + '"]}'

    def _select(self, rows: Record) -> pl.Series:
        begin = '{"decision":"' + self.decisions(rows.ref) + f'","placement":"{PLACEMENT_OF_LIST}","position":'
        return begin + pl.Series(rows.other, dtype=pl.Int64).cast(pl.String) + "}"

    def _mail(self, rows: Record, more: str) -> pl.Series:
        names = pl.Series([one.name for one in self._world.parameters.touchpoints])
        number = pl.Series(rows.ref, dtype=pl.Int64).cast(pl.String)
        return "{" + more + '"campaign":"' + names.gather(rows.other) + f'","mail":"{self._named.run}-m' + number + '"}'

    def _referrers(self, person: Ints) -> pl.Series:
        return self._named.users.gather(self._world.people.referrer[person])

    def _term_of(self, rows: Record) -> Ints:
        goods, people = self._world.goods, self._world.people
        language = np.array([LANGUAGES.index(one) for _, one, _ in self._world.parameters.people.countries])
        spoken = language[people.country[rows.person]]
        kind = self._term[goods.category[rows.item]] + goods.kind[rows.item] * len(LANGUAGES)
        return np.asarray(kind + spoken)


def where(flags: "np.ndarray[Any, np.dtype[np.bool_]]", words: pl.Series, rows: Ints) -> pl.Series:
    """The word of each row, null where the flag does not hold."""
    index = pl.Series(np.where(flags, rows, 0), dtype=pl.Int64)
    return words.gather(index.set(pl.Series(~flags, dtype=pl.Boolean), None))


def addresses(users: pl.Series) -> pl.Series:
    """The e-mail address of each user."""
    return users.str.to_lowercase() + f"@{MAIL_DOMAIN}"


def _cards(person: Ints) -> pl.Series:
    return "LC-" + (pl.Series(person, dtype=pl.Int64) + 100_000).cast(pl.String)


def _json(*values: dict[str, Any]) -> pl.Series:
    return pl.Series([msgspec.json.encode(value).decode() for value in values])


def _answers(question: str, low: int, end: int) -> pl.Series:
    return _json(*({"question": question, "answer": number, "scale": end - 1} for number in range(low, end)))


_HANDLED: Final = _json(
    *(
        {"topic": topic, "state": state, "satisfied": state == "resolved"}
        for topic in TOPICS
        for state in ("open", "resolved")
    )
)
_SERVICE: Final = _json(*({"topic": topic, "satisfied": good} for topic in TOPICS for good in (False, True)))


def _campaigns(world: World) -> pl.Series:
    points = world.parameters.touchpoints
    return _json(*({"source": one.source, "medium": one.medium, "campaign": one.name} for one in points))


def _search_terms(world: World) -> tuple[pl.Series, Ints]:
    """What is searched for, by category, kind and language; and where each category begins."""
    categories = world.assortment.categories
    names = [[kind.en.lower(), kind.de] for category in categories for kind in category.kinds]
    before = np.cumsum([0] + [len(category.kinds) * len(LANGUAGES) for category in categories])
    return _json(*({"search_term": name} for pair in names for name in pair)), before[:-1]


def _traits(world: World, users: pl.Series) -> pl.Series:
    """What the shop is told of each person when it first knows them."""
    people, said = world.people, world.parameters
    country = pl.Series([one for one, _, _ in said.people.countries]).gather(people.country)
    language = pl.Series([one for _, one, _ in said.people.countries]).gather(people.country)
    size = pl.Series(np.bincount(people.household)[people.household]).cast(pl.String)
    born = pl.Series(people.born).cast(pl.String)
    begin = '{"country":"' + country + '","language":"' + language + '","email":"' + addresses(users) + '"'
    card = _either(people.card, ',"loyalty_card":"' + _cards(np.arange(len(people))) + '"')
    more = _either(people.tells, ',"birth_year":' + born + ',"household_size":' + size)
    company = _either(people.business, pl.Series([',"business":true']).new_from_index(0, len(people)))
    return begin + card + more + company + "}"


def _either(flags: "np.ndarray[Any, np.dtype[np.bool_]]", words: pl.Series) -> pl.Series:
    chosen = pl.when(pl.Series(flags)).then(words).otherwise(pl.lit(""))
    return pl.select(chosen).to_series()
