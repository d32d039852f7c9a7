"""`etappe simulate`: a shop whose truth is known, as files or live."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from etappe.cli import progress, show
from etappe.simulation import Shop, Size, files, parameters, write
from etappe.simulation import simulate as make_shop

CUSTOMERS, ITEMS, DAYS, SEED = 2000, 400, 120, 1


def simulate(
    *,
    out: Annotated[Path, Parameter(help="Folder to write catalogue, content, events and truth/ into.")],
    customers: int = CUSTOMERS,
    items: int = ITEMS,
    days: int = DAYS,
    seed: int = SEED,
    end: Annotated[datetime | None, Parameter(help="End of the story (default: now).")] = None,
    world: Annotated[int, Parameter(help="Version of the truth.")] = parameters.VERSION,
) -> None:
    """Make a shop from a seed: catalogue, content, all that happened, responses, and the truth behind them."""
    until = end or datetime.now(UTC).replace(microsecond=0)
    size = Size(
        customers=customers,
        items=items,
        days=days,
        seed=seed,
        end=until if until.tzinfo else until.replace(tzinfo=UTC),
        world=world,
    )
    with progress.shown() as shown:
        shop = make_shop(size, shown)
        written = write(shop, out)
    _tell(shop, written)


def _tell(shop: Shop, written: files.Files) -> None:
    lines = (
        f"{shop.size.items:,} items: {written.items}, pictures: {written.pictures}",
        f"{len(shop.content):,} pieces of content: {written.content}",
        f"{len(shop.story.told):,} events: {written.events}",
        f"{shop.responses.height:,} responses: {written.responses}",
        f"the truth, world {shop.size.world}: {written.truth}",
    )
    show.result("\n".join(lines))
