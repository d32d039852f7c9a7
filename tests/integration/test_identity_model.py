"""Whoever is linked, parted, shared, folded and rebuilt in whatever order, on a store that is hurt meanwhile.

Each customer has exactly what happened to them, at once, and nothing is lost.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests import workers
from tests.integration.identity_machine import COUNTED, Machine

from etappe.settings import Place
from etappe.store.identities import linking
from etappe.store.ingesting import ingest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits long for what was left undone, and the linkers remember nothing."""
    monkeypatch.setattr(ingest, "_TRIES", 3)
    monkeypatch.setattr(ingest, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(linking, "_REMEMBERED_SECONDS", -1.0)
    yield
    print(COUNTED)  # noqa: T201 - shown with -s: the size of the run


@pytest.mark.seeded
@pytest.mark.usefixtures("impatient")
def test_customers_are_who_they_are(place: Place, tmp_path: Path) -> None:
    """Any sequence of steps leaves every customer with exactly their events, at once, and the log with all of them."""
    numbers = count()

    def machine() -> Machine:
        return Machine(place, tmp_path / f"log{next(numbers)}")

    profile = settings(
        max_examples=workers.examples(40, short=12),
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine, settings=profile)
