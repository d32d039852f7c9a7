"""The items of a list as they are shown."""

from typing import NamedTuple

from etappe.serving.answering.answer import shown_item
from etappe.serving.answering.reasons import reasons_of
from etappe.serving.ranking import Picks
from etappe.serving.situation import Situation


class Shown(NamedTuple):
    """A list: its picks, the `ids` of the items, and the `items` as JSON, in order."""

    picks: Picks
    ids: list[str]
    items: list[bytes]


def shown(here: Situation, picks: Picks, languages: tuple[str, ...]) -> Shown:
    """The items of `picks`, with titles in the first of `languages` that there is one in."""
    fragments = [here.view.catalogue.fragment(row, languages) for row in picks.rows.tolist()]
    families = [picks.sources[source].family for source in picks.source.tolist()]
    told = zip(fragments, picks.scores.tolist(), families, reasons_of(here, picks, languages), strict=True)
    return Shown(picks, [fragment.id for fragment in fragments], [shown_item(*one) for one in told])
