"""A small sample of the fault harness: nothing accepted is lost or counted twice, whatever dies or fails on the way."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks.faults import compare
from benchmarks.faults.__main__ import table
from benchmarks.faults.plan import plan
from benchmarks.faults.run import Case, Run, run_one, schedule, shop_for, strikes_of
from benchmarks.faults.shop import Shop

from etappe.ids import subject_of
from etappe.log import Log, as_rows

SEED = 7
SECRET = b"a secret of thirty-two bytes ..."


@pytest.fixture(scope="module")
def external() -> Iterator[Shop]:
    """A shop on a redis-server of its own."""
    _needs_redis()
    with shop_for("external") as shop:
        yield shop


def _needs_redis() -> None:
    if shutil.which("redis-server") is None:
        message = "no redis-server on PATH: faults of an external Redis are not tested"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def _survives(shop: Shop, number: int, kind: str, fault: str) -> Run:
    made = run_one(shop, Case(number, kind, fault), SEED)
    assert made.failures == [], shop.said()
    assert made.accepted == made.found
    assert made.accepted > 100
    assert made.doubled == 0
    return made


@pytest.mark.parametrize(
    "fault",
    [
        "serving process killed",
        "worker killed",
        "redis killed",
        "redis out of memory",
        "redis full while the worker is down",
    ],
)
def test_external_redis(external: Shop, fault: str) -> None:
    """Log and records equal the client's account after a process was killed, or Redis was."""
    _survives(external, list(strikes_of("external")).index(fault), "external", fault)


@pytest.mark.parametrize("point", ["ingest.after_write", "log.commit.after_rename", "folding.after_replace"])
def test_kill_points(external: Shop, point: str) -> None:
    """Log and records equal the account where a process dies between two of its writes."""
    made = _survives(external, 100 + len(point), "points", f"at {point}")
    assert made.passed


def test_embedded_server_dies_with_all_others() -> None:
    """Log and records equal the account where server, worker, store and their keeper are killed at once."""
    with shop_for("embedded") as shop:
        _survives(shop, 200, "embedded", "everything killed")


def test_schedule_goes_through_all_faults() -> None:
    """200 runs hold every kind of shop and every fault of it, in the same order each time."""
    cases = schedule(200)
    assert len(cases) == 200
    assert cases == schedule(200)
    assert list(range(200)) == [case.number for case in cases]
    kinds = {case.kind for case in cases}
    assert {"external", "embedded", "points", "small log", "stepped"} == kinds
    for kind in kinds:
        assert set(strikes_of(kind)) == {case.fault for case in cases if case.kind == kind}


def test_comparison_tells_what_is_wrong(tmp_path: Path) -> None:
    """An event that is missing, one that is there twice, one nobody sent and one under another subject are told."""
    made = plan("m", 1)
    ids = list(made.told)
    subjects = made.subjects(SECRET)
    rows = [(one, subjects[one]) for one in ids if not made.told[one].private]
    shop: Any = SimpleNamespace(data=tmp_path)
    (tmp_path / "secret").write_text(SECRET.hex())
    client: Any = SimpleNamespace(plan=made, answered={one for one, _ in rows}, accepted=len(rows))
    good = tmp_path / "log"
    _write(good, rows)
    assert compare.of_log(shop, client, compare.Found(shop, "m")) == []
    stranger = subject_of(SECRET, "user_id", "another")
    shutil.rmtree(good)
    _write(good, [*rows[1:-1], (rows[1][0], stranger), ("m-none", None)])
    wrong = " ".join(compare.of_log(shop, client, compare.Found(shop, "m")))
    assert f"lost: ['{rows[0][0]}', '{rows[-1][0]}'] of 2" in wrong
    assert "never sent: ['m-none']" in wrong
    assert f"doubled: ['{rows[1][0]}'] of 1" in wrong
    assert f"{rows[1][0]} (view_item) is under another subject" in wrong


def _write(folder: Path, rows: list[tuple[str, Any]]) -> None:
    log = Log(folder)
    log.prepare()
    columns = {
        "event_id": [one for one, _ in rows],
        "event": ["view_item"] * len(rows),
        "time": [0] * len(rows),
        "received": [0] * len(rows),
        "subject": [subject for _, subject in rows],
    }
    with log.transaction("test") as transaction:
        transaction.add("event", as_rows("event", columns))


def test_table_adds_up() -> None:
    """The table has a line for each fault and one for all."""
    runs = [
        Run(number=n, seed=1, kind="external", fault="f", traffic=3, accepted=2, found=2, recovery=n) for n in range(3)
    ]
    lines = table(runs).splitlines()
    assert lines[2] == "| f (external) | 3 | 9 | 6 | 6 | 0 | 0 | 1.0 | 2.0 | 0 |"
    assert lines[-1].startswith("| all | 3 | 9 |")
