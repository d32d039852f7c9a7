"""A full Redis is drained: the way from a start to the first archive and its trim needs no write before it frees."""

from collections.abc import Callable
from contextlib import suppress

import pytest
import redis
from tests.integration.full import full, held

from etappe.errors import EtappeError, StoreFullError
from etappe.events.intake import Accepted
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.server.connection import SyncRedis
from etappe.wiring.store import opened
from etappe.worker.archiving.archive import archive
from etappe.worker.run import go_round

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]


def _waiting(client: SyncRedis) -> int:
    return sum(client.xlen(name) for name in [*keys.streams(), keys.DECISION_STREAM])  # type: ignore[misc]


def _ids(log: Log) -> list[str]:
    return sorted(log.scan("event").collect()["event_id"])


@pytest.mark.parametrize("decisions", [False, True])
def test_worker_that_was_down_drains(
    take: Take, accept: Accept, place: Place, client: SyncRedis, decisions: bool
) -> None:
    """A server that is full whatever is freed, and has no scripts: opened as a worker does, all is archived once."""
    with opened(place):
        pass  # the place is begun
    take(*(accept(f"e{number}", user_id=f"u{number}") for number in range(300)))
    if decisions:
        client.xadd(keys.DECISION_STREAM, {"d": "d1", "t": 1, "s": b"", "r": "{}"})
    client.script_flush()
    with full(client), opened(place) as here:
        archive(here.client, here.log)
        assert (_waiting(client), archive(here.client, here.log)) == (0, 0)
        assert sorted(f"e{number}" for number in range(300)) == _ids(here.log)
        assert here.log.scan("decision").collect().height == int(decisions)


def test_events_are_taken_again_after_draining(
    take: Take, accept: Accept, place: Place, client: SyncRedis, settings: Settings
) -> None:
    """Filled by events until it refuses, a server takes events again after one round of the worker; all are there once."""
    with opened(place):
        pass  # the place is begun
    taken: list[str] = []
    with full(client, held(client) + 2 * 1024 * 1024), opened(place) as here:
        with suppress(StoreFullError):
            for number in range(1_000):
                batch = [accept(f"e{number}-{n}", properties={"text": "x" * 3_000}) for n in range(20)]
                take(*batch)
                taken += [one.event_id for one in batch]
        assert len(taken) < 20_000
        with suppress(redis.RedisError, EtappeError):  # what comes after archiving may have to wait
            go_round(here.client, here.log, place, settings)
        assert take(accept("after")) == [True]
        archive(here.client, here.log)
        assert sorted([*taken, "after"]) == sorted(set(_ids(here.log)))
        assert len(_ids(here.log)) == len(taken) + 1
