"""The items of a list as they are shown."""

from typing import NamedTuple

from etappe.catalog.fragments import Fragment
from etappe.serving.answering import numbers
from etappe.serving.answering.reasons import alone, because_of, patterns_of
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation

_PAIRED = (numbers.BARE, numbers.COUNTED)
_NOT_SOLD = Fragment(b"", b"", b"", b"", "")


class Shown(NamedTuple):
    """A list: its picks, the `ids` and `scores` of the items as they are told, and the `items` as JSON, in order."""

    picks: Picks
    ids: list[str]
    scores: list[float]
    items: list[bytes]


def shown(here: Situation, picks: Picks, languages: tuple[str, ...]) -> Shown:
    """The items of `picks`, with titles in the first of `languages` that there is one in."""
    fragment, patterns = here.view.catalogue.fragment, patterns_of(picks.sources)
    scores, told = numbers.rounded(picks.scores), numbers.told(here, picks)
    ids, items = [], []
    for row, source, score, (form, other, count, of) in zip(
        picks.rows.tolist(), picks.source.tolist(), scores, told, strict=True
    ):
        if form == numbers.ALONE and not score:
            form = numbers.UNPROVEN  # noqa: PLW2901 - nothing speaks for it, so nothing is said of others
        item, pattern = fragment(row, languages), patterns[source][form]
        if form in _PAIRED:
            named = fragment(other, languages) if other >= 0 else _NOT_SOLD
            reason = because_of(pattern, named.title, named.quoted, count, of)
        else:
            reason = alone(pattern, count, of)
        ids.append(item.id)
        items.append(b'{%b,"score":%a,%b%b}' % (item.head, score, reason, item.rest))
    return Shown(picks, ids, scores, items)
