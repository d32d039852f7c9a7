"""Items as answers show them, in plain words: one at a time, with a struct for each part and no cache."""

from typing import Any

import msgspec
import numpy as np

from etappe.catalog.fragments import Fragment
from etappe.customers.records import CARTED, WISHED
from etappe.models.copurchase import Neighbours
from etappe.serving.answering.answer import Reason
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation
from etappe.serving.sources import factors
from etappe.serving.sources.neighbours import BOUGHT_TOGETHER
from etappe.serving.sources.source import Words

FEWEST = 10


def shown(here: Situation, picks: Picks, languages: tuple[str, ...]) -> list[bytes]:
    """The JSON of each of `picks`."""
    return [_shown(here, picks, place, languages) for place in range(len(picks.rows))]


def _shown(here: Situation, picks: Picks, place: int, languages: tuple[str, ...]) -> bytes:
    fragment = here.view.catalogue.fragment(int(picks.rows[place]), languages)
    source, score = picks.sources[picks.source[place]], round(float(picks.scores[place]), 6)
    reason = msgspec.json.encode(_reason(here, picks, place, languages))
    told = f',"score":{score!r},"source":"{source.family}","reason":'.encode()
    return b"{%b%b%b%b}" % (fragment.head, told, reason, fragment.rest)


def _reason(here: Situation, picks: Picks, place: int, languages: tuple[str, ...]) -> Reason:
    source, item = picks.sources[picks.source[place]], int(here.view.to_model_rows(picks.rows[place : place + 1])[0])
    snapshot, words = here.view.snapshot, source.words
    score = round(float(picks.scores[place]), 6)
    if snapshot is None:
        return _alone(here, words, item, score)
    because, both = int(picks.because[place]), int(picks.counts[place])
    if source.names_loudest:
        because = int(factors.loudest(here, np.array([item]))[0])
    pair = _pair(snapshot.also_bought, because, item)
    both = pair if source.names_loudest else both
    together = min(both, pair) if words is BOUGHT_TOGETHER else both
    if because < 0:
        return _alone(here, words, item, score)
    if because == item:
        return _again(here, words, item, score)
    if words.pair is None or (words.pair.bare is None and together < FEWEST):
        return _alone(here, words, item, score)
    row = here.view.row(because)
    other = here.view.catalogue.fragment(row, languages) if row >= 0 else None
    name, with_ = (_plain(other), other.id) if other is not None else ("an item no longer sold", None)
    if words.pair.bare is not None and together < FEWEST:
        return Reason(kind=words.kind, with_=with_, text=words.pair.bare.format(name=name))
    of = int(getattr(snapshot, words.pair.of)[because])
    text = words.pair.counted.format(name=name, count=both, of=of)
    numbers: dict[str, Any] = {words.pair.told: both}
    return Reason(kind=words.kind, with_=with_, of=of, text=text, **numbers)


def _plain(fragment: Fragment) -> str:
    return str(msgspec.json.decode(b'"%b"' % fragment.title))


def _alone(here: Situation, words: Words, item: int, score: float) -> Reason:
    snapshot = here.view.snapshot
    customers = int(snapshot.customers[item]) if snapshot is not None and item >= 0 else 0
    if snapshot is None or customers < FEWEST:
        kind, text = (words.kind, words.alone) if score else words.unproven or (words.kind, words.alone)
        return Reason(kind=kind, text=text)
    everyone = snapshot.parameters.customers
    text = f"{words.alone}: {customers} of {everyone} customers bought it"
    return Reason(kind=words.kind, customers=customers, of=everyone, text=text)


def _again(here: Situation, words: Words, item: int, score: float) -> Reason:
    places = np.flatnonzero(here.history == item)
    if len(places) == 0:
        return _alone(here, words, item, score)
    mine = here.items[places[0]]
    if mine["bought"]:
        return Reason(kind="again", text="You bought this before")
    if mine["flags"] & WISHED:
        return Reason(kind="again", text="It is on your wish list")
    return Reason(kind="again", text="It is in your cart" if mine["flags"] & CARTED else "You looked at this before")


def _pair(lists: Neighbours, because: int, item: int) -> int:
    """How many customers took both, where the list of the one names the other; 0 where not."""
    places = np.flatnonzero(lists.rows[because] == item) if min(because, item) >= 0 else []
    return int(lists.counts[because, places[0]]) if len(places) else 0
