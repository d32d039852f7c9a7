"""The sweep: who was not there for long leaves, and nobody else."""

from collections.abc import Callable

import msgspec
import pytest
from tests.integration.kept import put, record, seen
from tests.unit.customers.people import claim, subject

from etappe.customers.packed.base import unpack
from etappe.events.identities import Identity
from etappe.events.intake import Accepted
from etappe.ids import Subject, partition_of
from etappe.settings import Settings, Store
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.records import customers, envelope
from etappe.store.server.connection import SyncRedis
from etappe.worker import folding, sweeping
from etappe.worker.folding import fold_long_tails
from etappe.worker.sweeping import sweep

Accept = Callable[..., Accepted]
Take = Callable[..., list[bool]]
ANNA = Identity("user_id", "anna")
BROWSER = Identity("anonymous_id", "browser")
ME = Subject(bytes([7]) * 16)
BASE = bytes([2, 0, 0, 0, 5, 0, 0, 0]) + bytes(16)
DAY = 86_400
TODAY = 20_000


def _swept(client: SyncRedis, settings: Settings, day: int = TODAY) -> int:
    """A whole pass on a day."""
    client.delete(keys.SWEEP)
    total = sweep(client, settings, lambda: day * DAY)
    while not (client.get(keys.SWEEP) or b"").startswith(b"0:"):  # type: ignore[union-attr]
        total += sweep(client, settings, lambda: day * DAY)
    return total


@pytest.mark.parametrize(("idle", "stays"), [(10, True), (11, False)])
def test_who_was_not_there_for_long_leaves(client: SyncRedis, settings: Settings, idle: int, stays: bool) -> None:
    """A record leaves after customer_days without an event, and takes its marks along."""
    few = msgspec.structs.replace(settings, store=Store(customer_days=10))
    put(client, ME, BASE, used=TODAY - idle)
    client.sadd(keys.long_tails(partition_of(ME)), ME)  # type: ignore[arg-type]
    assert _swept(client, few) == (not stays)
    assert (bool(client.exists(keys.record(ME))), bool(customers.waiting(client))) == (stays, stays)


def test_nobodys_hashes_leave_after_a_week(take: Take, accept: Accept, client: SyncRedis, settings: Settings) -> None:
    """What is known of an order that names nobody is for repeats alone."""
    take(accept("e", "purchase", user_id=None, order_id="o"))
    (name,) = client.scan_iter("etappe:*:c:*")
    day = envelope.used_of(client.get(name))  # type: ignore[arg-type]
    assert (_swept(client, settings, day + 7), _swept(client, settings, day + 8)) == (0, 1)


def test_a_short_tail_is_folded_once_it_is_quiet(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings
) -> None:
    """Some events that no fold was due for are folded a day later, and the hot part goes with them."""
    take(accept("e1"), accept("e2"))
    (name,) = client.scan_iter("etappe:*:c:*")
    day = envelope.used_of(client.get(name))  # type: ignore[arg-type]
    for later, folded in ((1, 0), (2, 1)):
        _swept(client, settings, day + later)
        assert fold_long_tails(client, settings) == folded
    kept = envelope.opened(client.get(name))  # type: ignore[arg-type]
    assert (kept.stored, bool(kept.base)) == (b"", True)


def test_aliases_leave_with_their_customer(client: SyncRedis, settings: Settings) -> None:
    """An alias stays as long as its customer is there, and leaves with them."""
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    anna, browser = subject(ANNA), subject(BROWSER)
    day = seen(client, browser).used
    put(client, anna, BASE, used=day + 300)
    assert _swept(client, settings, day + 500) == 0
    assert seen(client, browser).graph[16:32] == anna
    assert _swept(client, settings, day + 701)
    assert list(client.scan_iter("etappe:{???}:*")) == []


def test_a_link_without_any_event(client: SyncRedis, settings: Settings) -> None:
    """Who was linked and did nothing leaves, too, with the list of identities."""
    graph.link(client, [claim(ANNA, BROWSER)], settings)
    day = seen(client, subject(BROWSER)).used
    _swept(client, settings, day + 401)
    _swept(client, settings, day + 401)
    assert list(client.scan_iter("etappe:{???}:*")) == []


def test_who_comes_meanwhile_stays(client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken away whose header is another than it was when it was read."""
    put(client, ME, BASE, used=5)
    real = sweeping.run_script

    def come(*arguments: object) -> object:
        put(client, ME, BASE, record("new"), used=TODAY)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sweeping, "run_script", come)
    assert _swept(client, settings) == 0
    assert seen(client, ME).tail == record("new")


def test_passes_are_an_hour_apart(client: SyncRedis, settings: Settings) -> None:
    """The next pass begins an hour after the last, and a round looks at so many keys."""
    _swept(client, settings)
    put(client, ME, BASE, used=5)
    assert sweep(client, settings, lambda: TODAY * DAY + 3_599) == 0
    assert sweep(client, settings, lambda: TODAY * DAY + 3_600) == 1


def test_repeats_are_forgotten_in_time(
    take: Take, accept: Accept, client: SyncRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a base remembers of repeats leaves once its time is out, though the customer does not come again."""
    take(accept("e"))
    (name,) = client.scan_iter("etappe:*:c:*")
    day = envelope.used_of(client.get(name))  # type: ignore[arg-type]
    sizes = []
    for later in (2, 10):
        _swept(client, settings, day + later)
        monkeypatch.setattr(folding.time, "time", lambda later=later: float((day + later) * DAY))
        fold_long_tails(client, settings)
        sizes.append(len(unpack(envelope.opened(client.get(name)).base).ring))  # type: ignore[arg-type]
    assert sizes == [1, 0]
    assert customers.waiting(client) == []
