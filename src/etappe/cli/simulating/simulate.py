"""`etappe simulate`: a shop whose truth is known, as files, and played on live."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from etappe.cli import progress, show
from etappe.errors import InputError
from etappe.simulation import Shop, Size, files, live, parameters, write
from etappe.simulation import simulate as make_shop

CUSTOMERS, ITEMS, DAYS, SEED = 2000, 400, 120, 1
URL = "http://127.0.0.1:8000"


def simulate(
    *,
    out: Annotated[Path, Parameter(help="Folder to write catalogue, content, events and truth/ into.")],
    customers: Annotated[int | None, Parameter(help=f"Customers with an account ({CUSTOMERS:,}).")] = None,
    items: Annotated[int | None, Parameter(help=f"Items of the catalogue ({ITEMS:,}).")] = None,
    days: Annotated[int | None, Parameter(help=f"Days of the story ({DAYS}).")] = None,
    seed: Annotated[int | None, Parameter(help=f"Another seed, another shop ({SEED}).")] = None,
    end: Annotated[datetime | None, Parameter(help="End of the story (today, 0:00 UTC).")] = None,
    world: Annotated[int | None, Parameter(help=f"Version of the truth ({parameters.VERSION}).")] = None,
    play: Annotated[
        bool, Parameter(name="--live", help="Play on where the shop in --out ended, over HTTP.", negative="")
    ] = False,
    url: Annotated[str, Parameter(help="With --live: the running Etappe.")] = URL,
    key_file: Annotated[Path | None, Parameter(help="With --live: file that holds a secret key.")] = None,
    pace: Annotated[float, Parameter(help="With --live: visits a second.", validator=Number(gt=0, lte=1000))] = 2.0,
    visits: Annotated[int, Parameter(help="With --live: how many (0: until Ctrl-C).", validator=Number(gte=0))] = 0,
) -> int:
    """Make a shop from a seed: catalogue, content, all that happened, responses, and the truth behind them.

    With --live its people go on from where the story ended: they visit, are shown what a running Etappe
    decides, and respond to it with the known chances.
    """
    asked = {"customers": customers, "items": items, "days": days, "seed": seed, "end": _aware(end), "world": world}
    there = files.size_of(out) if play else None
    if there is not None:
        return _play(make(_same(there, asked, out)), url, key_file, live.Pace(pace, visits))
    shop = make(_size(asked))
    with progress.shown():
        written = write(shop, out)
    _tell(shop, written)
    return _play(shop, url, key_file, live.Pace(pace, visits)) if play else 0


def make(size: Size) -> Shop:
    """The shop of this size, with progress."""
    with progress.shown() as shown:
        return make_shop(size, shown)


def _size(asked: Mapping[str, object]) -> Size:
    defaults = {"customers": CUSTOMERS, "items": ITEMS, "days": DAYS, "seed": SEED, "world": parameters.VERSION}
    said = {name: value for name, value in asked.items() if value is not None}
    return Size(**({"end": datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)} | defaults | said))  # type: ignore[arg-type]


def _same(there: Size, asked: Mapping[str, object], out: Path) -> Size:
    """The shop that is there, unless another one was asked for."""
    for name, value in asked.items():
        if value is not None and value != getattr(there, name):
            raise InputError(
                f"{out} holds a shop with {name} {getattr(there, name)}, not {value};"
                f" leave --{name} out, or name another folder with --out",
                field=name,
            )
    return there


def _aware(end: datetime | None) -> datetime | None:
    return end if end is None or end.tzinfo else end.replace(tzinfo=UTC)


def _play(shop: Shop, url: str, key_file: Path | None, pace: live.Pace) -> int:
    key = key_file.read_text(encoding="utf-8").strip() if key_file else None
    until = f"{pace.visits:,} visits" if pace.visits else "Ctrl-C"
    show.say(f"Playing on against {url}, {pace.visits_per_second:g} visits a second, until {until} ...")
    with live.Client(url, key) as client, _asked_to_stop() as stop, progress.shown() as shown:
        played = live.play(shop.story, shop.named, client, pace, stopped=stop.is_set, progress=shown)
    tell_played(played)
    return 0 if played.visits >= pace.visits else 130


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end the play after the visit under way."""
    stop = threading.Event()

    def asked(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell_played(played: live.Played) -> None:
    """What came of playing, in plain numbers."""
    show.result(
        f"{played.visits:,} visits ({played.days:g} days of the shop), {played.events:,} events, {played.rejected:,}"
        f" rejected; {played.orders:,} orders"
    )
    show.result(
        f"{played.lists:,} lists of items, {played.clicks:,} clicks; by the truth a list was worth {played.served:.3f}"
        f" clicks: a random one {played.random:.3f}, the best possible {played.best:.3f}"
    )
    if played.pieces:
        show.result(f"{played.pieces:,} pieces shown, {played.piece_clicks:,} clicks")
    if played.sold_out_shown:
        show.complain(f"{played.sold_out_shown:,} items were shown that the shop had said were sold out")


def _tell(shop: Shop, written: files.Files) -> None:
    lines = (
        f"{shop.size.items:,} items: {written.items}; to look at: {written.page}",
        f"{len(shop.content):,} pieces of content: {written.content}",
        f"{len(shop.story.told):,} events: {written.events}",
        f"{shop.story.responses:,} responses to what was shown: {written.responses}",
        f"the truth (world {shop.size.world}): {written.truth}",
    )
    show.result("\n".join(lines))
