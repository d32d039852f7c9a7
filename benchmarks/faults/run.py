"""One run: traffic, a strike, recovery, and the comparison of log and records with the account."""

import contextlib
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

from benchmarks.faults import compare
from benchmarks.faults.plan import plan
from benchmarks.faults.points import POINTS, arm, at_point, part_of
from benchmarks.faults.shop import Shop
from benchmarks.faults.strikes import EMBEDDED, EXTERNAL, SMALL_LOG, STEPPED, Strike, struck
from benchmarks.faults.traffic import Client
from etappe.ids import partition_of, subject_of
from etappe.store import keys

AT: Final = "at "
"""What the names of faults at a kill point begin with."""
LIFE: Final = 10
"""Runs for which a shop is used."""
SHARES: Final = {"external": 0.4, "embedded": 0.15, "points": 0.35, "small log": 0.05, "stepped": 0.05}
"""How many of all runs each kind of shop gets."""
_PATIENCE: Final = 60.0


class Case(msgspec.Struct, frozen=True):
    """One run to be made: its number, the kind of shop, the fault."""

    number: int
    kind: str
    fault: str


class Run(msgspec.Struct, kw_only=True):
    """What came of one run.

    `traffic` are events sent, with all repeats; `accepted` those answered so, each once; `found` those of them in the
    log; `doubled` those that count twice in it; `repeats` are rows that reading the log leaves out. `recovery` and
    `seconds` are seconds. `passed` says whether the process came to its kill point.
    """

    number: int
    seed: int
    kind: str
    fault: str
    passed: bool = True
    traffic: int = 0
    accepted: int = 0
    found: int = 0
    doubled: int = 0
    repeats: int = 0
    recovery: float = 0.0
    seconds: float = 0.0
    refusals: dict[str, int] = {}
    failures: list[str] = []


def strikes_of(kind: str) -> dict[str, Strike]:
    """The faults that a kind of shop is made for."""
    if kind == "points":
        return {f"{AT}{point}": at_point(point) for point in sorted(POINTS, key=part_of)}
    return {"external": EXTERNAL, "embedded": EMBEDDED, "small log": SMALL_LOG, "stepped": STEPPED}[kind]


def schedule(runs: int) -> list[Case]:
    """`runs` runs, by kind of shop; each kind goes through its faults in turn."""
    cases: list[Case] = []
    for kind, share in SHARES.items():
        names = list(strikes_of(kind))
        picked = [names[number % len(names)] for number in range(max(1, round(runs * share)))]
        cases += [Case(len(cases) + place, kind, name) for place, name in enumerate(picked)]
    return cases[:runs]


def shop_for(kind: str) -> Shop:
    """A new shop of a kind."""
    return Shop(external=kind != "embedded", stepped=kind == "stepped", small_log=kind == "small log")


def perform(cases: Sequence[Case], seed: int) -> Iterator[Run]:
    """Runs one after another, on one shop for some of them."""
    for kind, of_kind in groupby(cases, key=lambda case: case.kind):
        todo = list(of_kind)
        for start in range(0, len(todo), LIFE):
            with shop_for(kind) as shop:
                for case in todo[start : start + LIFE]:
                    made = run_one(shop, case, seed)
                    yield made
                    if made.failures:
                        _keep(shop, case)


def run_one(shop: Shop, case: Case, seed: int) -> Run:
    """Traffic, the strike, recovery, comparison."""
    began, chance = time.monotonic(), random.Random(seed * 100_003 + case.number)
    made = Run(number=case.number, seed=seed, kind=case.kind, fault=case.fault)
    client = Client(shop.url, plan(f"s{seed}r{case.number}", chance.randrange(2**32)), case.number)
    if case.kind == "points":
        arm(shop, case.fault.removeprefix(AT), chance)
    client.start()
    time.sleep(0 if case.kind == "points" else chance.uniform(0.05, 0.5))
    hurt = struck(strikes_of(case.kind)[case.fault], shop, chance)
    made.passed = hurt != "not passed"
    made.failures += [hurt] if hurt and made.passed else []
    probe = threading.Thread(target=_measure, args=(shop, client, made))
    probe.start()
    client.join()
    probe.join()
    shop.wait_until_ready()
    _compare(shop, client, made)
    made.seconds = round(time.monotonic() - began, 2)
    return made


def _compare(shop: Shop, client: Client, made: Run) -> None:
    compare.archive_rest(shop)
    found = compare.Found(shop, client.plan.mark)
    wrong = compare.of_log(shop, client, found)
    records = compare.of_records(shop, client)
    made.traffic, made.accepted = client.sent, len(client.answered)
    made.found, made.doubled, made.repeats = len(set(found.ids) & client.answered), found.doubled, found.repeats
    made.refusals = dict(client.refusals)
    made.failures += [*client.failures, *wrong, *records, *compare.of_fold(shop, client)]


def _measure(shop: Shop, client: Client, made: Run) -> None:
    """How long it took until an event sent after the strike was answered, and the worker had taken it to the log."""
    user = f"{client.plan.mark}-probe"
    if not client.post([{"event": "view_item", "event_id": user, "user_id": user, "item_id": "i1"}]):
        return
    stream = keys.stream(partition_of(subject_of(compare.secret_of(shop), "user_id", user)))
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.RedisError), contextlib.closing(shop.client()) as connection:
            entries: Any = connection.xrange(stream)
            if not any(user.encode() in fields[b"e"] for _, fields in entries):
                made.recovery = round(time.monotonic() - shop.struck_at, 2)
                return
        time.sleep(0.03)
    client.failures.append("the probe did not reach the log")


def _keep(shop: Shop, case: Case) -> None:
    """Keeps the folder of a shop on which a run failed."""
    target = Path(tempfile.gettempdir(), f"etappe-faults-kept-{case.number}")
    if not target.exists():
        shutil.copytree(shop.home, target, ignore=shutil.ignore_patterns("*.sock", "filler"))
