"""A customer's record section by section, and what it takes in a server.

python -m benchmarks.record            half a minute
python -m benchmarks.record --smoke    shows that it runs; its figures mean little
"""

import random
import shlex
import sys
from argparse import ArgumentParser
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.decide import told_machine
from benchmarks.record import memory
from benchmarks.record.customers import BOUGHT, CUSTOMERS, ITEMS, base_of, harder, settled, sizes
from etappe.customers.packed.base import HEADER, Base, pack
from etappe.customers.packed.compact import SEEN
from etappe.customers.packed.sections import FRAME, SECTIONS

SEED: Final = 10
BAR: Final = 1_000


def main() -> None:
    """Prints both tables."""
    parser = ArgumentParser(prog="python -m benchmarks.record", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in a few seconds")
    parser.add_argument("--customers", type=int, default=100_000, help="keys in a server (default 100,000)")
    options = parser.parse_args()
    of_each, customers = (3, 2_000) if options.smoke else (200, options.customers)
    console = Console(width=140, highlight=False)
    console.print(f"command   python -m benchmarks.record {shlex.join(sys.argv[1:])}".rstrip())
    told_machine(console)
    console.print(f"customers {of_each} of each kind, seed {SEED}; bytes: median (smallest-largest)")
    console.print(by_section(of_each))
    console.print(in_servers(of_each, customers))


def by_section(of_each: int) -> Table:
    """Each kind of customer, section by section."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("header", "totals", "items seen", "acted on", *(section.name for section in SECTIONS), "all")
    shown.add_column("")
    for name in columns:
        shown.add_column(name, justify="right")
    for name, told in CUSTOMERS.items():
        rng = random.Random(f"{SEED}{name}")
        bases = [base_of(told(rng), rng) for _ in range(1 if told.__name__ == "most" else of_each)]
        rows = [parts(base) for base in bases]
        shown.add_row(name, *(sizes([row[column] for row in rows]) for column in columns))
    return shown


def parts(base: Base) -> dict[str, int]:
    """Bytes of each part of a packed base."""
    packed = pack(base)
    _, _, _, _, _, seen, acted, lengths, _ = HEADER.unpack_from(packed)
    length = lengths & 2**24 - 1
    bare = len(pack(_without_items(base))) - HEADER.size - sum(_sections(base).values())
    found = {"header": HEADER.size, "totals": bare, "items seen": seen * SEEN}
    found["acted on"] = length - bare - found["items seen"] if acted else 0
    return found | _sections(base) | {"all": len(packed)}


def _without_items(base: Base) -> Base:
    return Base(**{name: getattr(base, name) for name in base.__struct_fields__} | {"items": base.items[:0]})


def _sections(base: Base) -> dict[str, int]:
    found = {section.name: len(section.pack(getattr(base, section.name))) for section in SECTIONS}
    return {name: size + FRAME if size else 0 for name, size in found.items()}


def in_servers(of_each: int, customers: int) -> Table:
    """Bytes of `used_memory` a customer with no session, everything included."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column(f"{customers:,} customers, {ITEMS} items, {BOUGHT} bought, no session")
    for name in ("bytes a record", "used_memory a customer", f"of {BAR:,}"):
        shown.add_column(name, justify="right")
    for kind, told in (("4 orders", settled), ("10 orders, all looked at again", harder)):
        rng = random.Random(SEED)
        values = [pack(base_of(told(rng), rng)) for _ in range(of_each)]
        for server, binary in memory.servers().items():
            with memory.running(binary) as client:
                each = memory.each(client, values, customers)
            shown.add_row(f"{kind}, {server}", sizes([len(one) for one in values]), f"{each:,.0f}", f"{each / BAR:.2f}")
    return shown


if __name__ == "__main__":
    main()
