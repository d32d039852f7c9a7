"""Durable events a second, beside plain XADDs of the same events to the same kind of server, in one run.

python -m benchmarks.ingest            about three minutes
python -m benchmarks.ingest --smoke    shows that it runs; its figures mean little
"""

import re
import shlex
import statistics
import sys
import tempfile
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import client, cpu
from benchmarks.client import Round
from benchmarks.cpu import Cpu
from benchmarks.decide import say, server, told_machine
from benchmarks.ingest import events as shop_events
from benchmarks.ingest import worker as behind
from benchmarks.ingest import xadd
from benchmarks.ingest.worker import Merged, Worked
from etappe.settings import Place
from etappe.store.server import connection
from etappe.store.server.embedded import EmbeddedServer

SEED: Final = 20
WARMING: Final = 20
"""Batches sent before anything counts."""


class Size(msgspec.Struct, frozen=True):
    """How large the shop is, and how much is posted: `seconds` and `events` bound one round of one load.

    `archived` events at a time are archived, `merged` is the number of small files to be merged.
    """

    customers: int
    items: int
    days: int
    batches: tuple[int, ...]
    connections: tuple[int, ...]
    seconds: float
    events: int
    rounds: int
    archived: int
    merged: int


FULL: Final = Size(5_000, 2_000, 60, (1, 10, 100, 500), (1, 16, 64), 1.5, 20_000, 3, 40_000, 100)
SMOKE: Final = Size(200, 200, 30, (1, 100), (1, 16), 0.5, 2_000, 1, 2_000, 5)


class Measured(msgspec.Struct, frozen=True):
    """One round of one load: Etappe and the yardstick on the same batches, and the CPU that Etappe's processes took."""

    batch: int
    connections: int
    etappe: Round
    bare: Round
    cpu: Cpu

    def rate(self, which: Round) -> float:
        """Durable events in a second."""
        return which.rate * self.batch

    def each(self, seconds: float) -> float:
        """Microseconds for each event that Etappe took."""
        return seconds / (len(self.etappe.latencies) * self.batch) * 1e6


def main() -> None:
    """Measures and prints."""
    parser = ArgumentParser(prog="python -m benchmarks.ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in well under a minute")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the shop (default {SEED})")
    options = parser.parse_args()
    size = SMOKE if options.smoke else FULL
    with tempfile.TemporaryDirectory(prefix="etappe-benchmark-") as folder:
        data, bare = Path(folder) / "data", Path(folder) / "bare"
        say(f"making a shop of {size.items:,} items and {size.customers:,} customers ...")
        events = shop_events.make(data, customers=size.customers, items=size.items, days=size.days, seed=options.seed)
        measured = list(measure(data, bare, events, size))
        say("archiving ...")
        worked = behind.measure(data, events, size.archived, size.rounds)
        merged = behind.merge(data.with_name("small"), events, size.merged)
    show(measured, worked, merged, size, options.seed)


def measure(data: Path, bare: Path, events: list[dict[str, Any]], size: Size) -> Iterator[Measured]:
    """The rounds of every load, Etappe and the yardstick in turn; every event answered must have been taken."""
    taken = 0
    with server(["-m", "etappe", "serve", f"--data={data}"], {"ETAPPE_AUTH": "off"}, "--port=") as port:
        taken += warm(port, events)
        for number in range(size.rounds):
            for batch in size.batches:
                say(f"round {number + 1} of {size.rounds}, batches of {batch} ...")
                for connections in size.connections:
                    one = _round(data, bare, port, events, batch, connections, number, size)
                    taken += len(one.etappe.latencies) * batch
                    yield one
        if accepted(port) != taken:
            sys.exit(f"{taken:,} events were answered, {accepted(port):,} accepted: the figures count for nothing")


def warm(port: int, events: list[dict[str, Any]]) -> int:
    """Posts some batches that do not count; returns how many events."""
    for batch in shop_events.batches(events, "warm", 100, WARMING):
        client.ask(port, _posted(batch))
    return 100 * WARMING


def _round(
    data: Path,
    bare: Path,
    port: int,
    events: list[dict[str, Any]],
    batch: int,
    connections: int,
    number: int,
    size: Size,
) -> Measured:
    count = max(connections, size.events // batch)
    made = shop_events.batches(events, f"{number}-{batch}-{connections}", batch, count)
    socket = EmbeddedServer(data).socket
    before = cpu.read(socket)
    ours = client.run(port, [_posted(one) for one in made], size.seconds, connections)
    used = cpu.read(socket).since(before)
    with emptied(bare) as yardstick:
        plain = xadd.run(yardstick, [xadd.packed(one) for one in made], size.seconds, connections)
    if ours.failures or plain.failures:
        sys.exit("some answers were no success, so the figures count for nothing")
    return Measured(batch, connections, ours, plain, used)


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """The socket of an embedded server with nothing in it, set up as Etappe's own: appendfsync always, same disk."""
    with connection.connect(Place(folder)) as client:
        client.flushall()
        yield EmbeddedServer(folder).socket


def accepted(port: int) -> int:
    """How many events the server says it has accepted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        found = re.search(r'etappe_events_total\{status="accepted"\} (\S+)', answer.read().decode())
    return int(float(found[1])) if found else 0


def show(measured: list[Measured], worked: list[Worked], merged: Merged, size: Size, seed: int) -> None:
    """Prints what was measured, where and how."""
    console = Console(width=130, highlight=False)
    console.print(f"command   python -m benchmarks.ingest {shlex.join(sys.argv[1:])}".rstrip())
    told_machine(console)
    console.print(f"shop      {size.items:,} items, {size.customers:,} customers, {size.days} days, seed {seed}")
    bound = f"{size.seconds:g} s or {size.events:,} events each"
    console.print(f"load      {size.rounds} rounds of at most {bound}, one serving process, appendfsync always")
    console.print(table(measured))
    behind.show(console, worked, merged)


def table(measured: list[Measured]) -> Table:
    """Medians over the rounds; in brackets the slowest and the fastest one."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    names = ("batch", "conns", "events/s", "(rounds)", "p50 ms", "p99 ms", "XADD events/s", "of XADD")
    for name in (*names, "serving", "Redis", "worker us", "client CPU"):
        shown.add_column(name, justify="right")
    for batch, connections in dict.fromkeys((one.batch, one.connections) for one in measured):
        rounds = [one for one in measured if (one.batch, one.connections) == (batch, connections)]
        shown.add_row(*_cells(rounds))
    return shown


def _cells(rounds: list[Measured]) -> list[str]:
    rates = [one.rate(one.etappe) for one in rounds]
    median = statistics.median
    return [
        f"{rounds[0].batch}",
        f"{rounds[0].connections}",
        f"{median(rates):,.0f}",
        f"({min(rates):,.0f}-{max(rates):,.0f})",
        *(f"{median(one.etappe.percentile(share) for one in rounds):.1f}" for share in (0.5, 0.99)),
        f"{median(one.rate(one.bare) for one in rounds):,.0f}",
        f"{median(one.rate(one.etappe) / one.rate(one.bare) for one in rounds):.2f}",
        *(f"{median(one.each(getattr(one.cpu, who)) for one in rounds):.0f}" for who in ("serving", "redis", "worker")),
        f"{median(one.etappe.cpu / one.etappe.seconds for one in rounds):.0%}",
    ]


def _posted(batch: list[dict[str, Any]]) -> bytes:
    return client.post("/v1/events", msgspec.json.encode({"events": batch}))


if __name__ == "__main__":
    main()
