"""`etappe check` on a Redis that others run, and in a folder that has no log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import pytest
import redis

from etappe.cli.checks import generation, store
from etappe.cli.checks.finding import Check, Level
from etappe.settings import Place
from etappe.wiring.inspecting import Inspected, inspected


@contextmanager
def _managed(data: Path) -> Iterator[Inspected]:
    with inspected(Place(data, redis_url="redis://managed:1/0")) as found:
        found.client = Mock()
        found.client.config_get.side_effect = redis.ResponseError("unknown command 'CONFIG'")
        yield found


def test_a_server_that_tells_no_settings_is_taken_at_its_word(tmp_path: Path) -> None:
    """Managed servers forbid CONFIG GET: that is no fault, and it says what has to hold there."""
    with _managed(tmp_path) as place:
        (found,) = store.durability(place)
    assert (found.level, "appendfsync always" in found.text) == (Level.OK, True)


@pytest.mark.parametrize("made", [generation.streams, generation.journal])
def test_a_replica_without_the_log_is_well(tmp_path: Path, made: Check) -> None:
    """What the log has is nothing that a folder without it can say, and nothing to be warned of."""
    with _managed(tmp_path) as place:
        (found,) = made(place)
    assert found.level is Level.OK
