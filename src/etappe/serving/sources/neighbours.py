"""What sources that read neighbour lists share: how pairs are told, and candidates as blocks."""

from collections.abc import Iterator
from typing import Final

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
    """The candidates that the catalogue has, best first; they are sorted only where more than a block is asked for."""
    count = min(here.first or BLOCK, BLOCK)
    first = found.best(count)
    yield from _block(here, first, first, last=count >= len(found))
    if count < min(BLOCK, len(found)):
        yield from _block(here, first, found.best(BLOCK).at(slice(count, None)))
    if len(found) > BLOCK:
        ordered = found.ordered()
        for start in range(BLOCK, len(ordered), BLOCK):
            yield from _block(here, first, ordered.at(slice(start, start + BLOCK)))


def _block(here: Situation, first: Candidates, part: Candidates, *, last: bool = False) -> Iterator[Block]:
    if len(part) == 0:
        return
    rows, scores = here.view.to_rows(part.rows), part.scores / first.scores[0]
    if rows.min() >= 0:
        yield Block(rows, scores, part.because, part.counts, last)
        return
    kept = rows >= 0
    if kept.any():
        yield Block(rows[kept], scores[kept], part.because[kept], part.counts[kept], last)
