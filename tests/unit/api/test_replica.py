"""What a replica does with changes of the journal."""

from pathlib import Path
from typing import Any, cast

from etappe.api.replica import Replica
from etappe.settings import Place, Settings
from etappe.store.config import journal, kinds
from etappe.store.server.connection import AsyncRedis


def test_every_kind_is_read_and_applied(tmp_path: Path) -> None:
    """A kind of the journal that has a row in `kinds` has one in the replica too, and the other way round."""
    nobody = cast("AsyncRedis", cast("Any", None))
    replica = Replica(nobody, Place(tmp_path), Settings())
    assert (
        set(replica.applied_by)
        == set(kinds.DECODERS)
        == {
            journal.ITEMS,
            journal.STUBS,
            journal.KEY,
            journal.SNAPSHOT,
        }
    )
