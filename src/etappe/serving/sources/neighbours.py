"""What sources that read neighbour lists share: how pairs are told, and candidates as blocks."""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.models.copurchase import NOT_ITSELF, Neighbours, put_best
from etappe.serving.candidates import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import Pair, Words, blocks
from etappe.serving.viewing.view import Rows

FAMILY: Final = "copurchase"

ALSO_BOUGHT: Final = Words(
    kind="also_bought",
    pair=Pair(
        bare="Bought by customers who bought {name}",
        counted="{count} of {of} customers who bought {name} bought this too",
        of="customers",
    ),
)
WISHLIST_BOUGHT: Final = Words(
    kind="wishlist_bought",
    pair=Pair(
        bare="Bought by customers with {name} on their wish list",
        counted="{count} of {of} customers with {name} on their wish list bought this",
        of="wished",
    ),
)
BOUGHT_TOGETHER: Final = Words(
    kind="bought_together",
    pair=Pair(
        bare="Bought together with {name}",
        counted="In {count} of {of} orders with {name}",
        of="orders",
        told="orders",
    ),
)


def ask(
    here: Situation,
    into: Candidates,
    lists: Literal["also_bought", "bought_together"],
    items: Rows,
    weights: NDArray[np.float64],
    *,
    themselves: bool = False,
) -> Iterator[bool]:
    """What the snapshot's `lists` of `items` (model rows) name and the catalogue has, best first.

    `themselves`: items are named by themselves as well. What is behind the first block is seldom asked for, and is then
    added up anew.
    """
    snapshot = here.view.snapshot
    if snapshot is None:
        return
    named: Neighbours = getattr(snapshot, lists)
    told = named.rows, named.scores, named.counts
    itself = (snapshot.own, snapshot.customers) if themselves else NOT_ITSELF
    to_row = here.view.rows_of_model()
    for start, end in blocks(here):
        into.make_room(end - start)
        added, there_are = put_best(told, itself, items, weights, to_row, start, end, into.count, into.arrays)
        into.count += added
        yield end >= there_are
        if end >= there_are:
            return
