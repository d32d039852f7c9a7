"""What sources that read neighbour lists share: how pairs are told, and candidates as blocks."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from etappe.models.copurchase import Candidates
from etappe.serving.situation import Situation
from etappe.serving.sources.source import BLOCK, Block, Pair, Words

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


def blocks(here: Situation, found: Candidates) -> Iterator[Block]:
    """The candidates that the catalogue has."""
    for start in range(0, len(found.rows), BLOCK):
        part = slice(start, start + BLOCK)
        rows = here.view.to_rows(found.rows[part])
        kept = rows >= 0
        if kept.any():
            yield Block(
                rows[kept],
                (found.scores[part] / found.scores[0])[kept],
                found.because[part][kept].astype(np.int64),
                found.counts[part][kept].astype(np.int64),
            )
