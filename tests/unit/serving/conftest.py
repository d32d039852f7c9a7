"""The planted shop: its snapshot, fitted once, and its catalogue, new for each test."""

import pytest
from tests.unit.serving.planted import Model, catalogue_items, overlaid, trained

from etappe.models.snapshot import Snapshot
from etappe.serving.viewing.view import View


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """What was learned from the shop's log."""
    return trained(tmp_path_factory.mktemp("snapshots"))


@pytest.fixture
def view(snapshot: Snapshot) -> View:
    """The shop as a replica sees it."""
    return View(overlaid(catalogue_items()), snapshot)


@pytest.fixture(scope="session")
def model(snapshot: Snapshot) -> Model:
    """The snapshot, for properties."""
    return Model(snapshot)
