"""Snapshots are swapped without a dropped request, rolled back, and refused where they are damaged."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, accept, decided, etappe, ids_of, items_of, must, put, redis_of

MOST = 20_000
ARTIFACT = "etappe:{artifact}"


@pytest.fixture(scope="module")
def own(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server of one's own, with two processes, whose leases are short."""
    data = copy_of()
    (data / "etappe.toml").write_text("[store]\nlease_seconds = 2.0\n")
    with Server(data, workers=2) as server:
        yield server


@pytest.fixture(scope="module")
def replica(own: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A replica with a data folder of its own, which has nothing but Redis."""
    with Server(tmp_path_factory.mktemp("far") / "data", env={"ETAPPE_REDIS": _url(own)}) as server:
        yield server


@pytest.fixture
def far(replica: Server, template: Template) -> Iterator[httpx.Client]:
    """Its client."""
    with replica.client(template.secret) as found:
        yield found


@pytest.fixture
def client(own: Server, template: Template) -> Iterator[httpx.Client]:
    """Its client; a connection of its own each time, so any process may answer."""
    with own.client(template.secret, limits=httpx.Limits(max_keepalive_connections=0)) as found:
        yield found


def _wait_for(client: httpx.Client, version: str) -> None:
    """Returns when the processes answer from a version, several times in a row."""
    waiting, in_a_row = Waiting(), 0
    while waiting(in_a_row < 12):
        in_a_row = in_a_row + 1 if decided(client)["snapshot"] == version else 0


def test_rollback_and_publish(own: Server, client: httpx.Client, template: Template) -> None:
    """`rollback` serves the one before, `publish` the named one again; without a predecessor it is an error."""
    first = decided(client)["snapshot"]
    ran = etappe(own.data, "rollback")
    assert (ran.code, ran.out) == (1, "")
    assert [f"etappe: there is no snapshot before {first} to go back to"] == ran.err.splitlines()
    answer = items_of(decided(client, template.customers[0]))
    accept(client, *({"event": "purchase", "user_id": f"b-{n}", "item_id": "DOG-0008", "price": 1} for n in range(50)))
    second = must(own.data, "train").split()[1].rstrip(":")
    _wait_for(client, second)
    assert f"snapshot {first} is served" == must(own.data, "rollback").strip()
    _wait_for(client, first)
    assert answer == items_of(decided(client, template.customers[0]))
    assert f"snapshot {second} is served" == must(own.data, "publish", second).strip()
    _wait_for(client, second)
    assert f"snapshot {second} is served" == must(own.data, "publish").strip()
    ran = etappe(own.data, "publish", "no-such-version")
    assert ran.code == 1
    assert first in ran.err
    assert "Traceback" not in ran.err


def test_training_under_load_drops_no_request(own: Server, client: httpx.Client, template: Template) -> None:
    """While a new snapshot is trained and published, every request is answered, and the version changes in the end."""
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        with own.client(template.secret) as asking:
            for turn in range(MOST):
                if stop.is_set():
                    return
                body = {"customer": {"user_id": template.customers[turn % 50]}, "placements": [{"name": "p"}]}
                answer = asking.post("/v1/decide", json=body)
                seen.append((answer.status_code, answer.json().get("snapshot")))

    before = decided(client)["snapshot"]
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        accept(
            client, *({"event": "purchase", "user_id": f"new-{n}", "item_id": "COF-0001", "price": 1} for n in range(9))
        )
        trained = must(own.data, "train")
        after = trained.split()[1].rstrip(":")
        _wait_for(client, after)
        so_far = len(seen)
        waiting = Waiting()
        while waiting(len(seen) < so_far + 20):
            pass
    finally:
        stop.set()
        asking.join()
    assert {200} == {status for status, _ in seen}
    assert before != after
    assert {before, after} == {version for _, version in seen}
    versions = [version for _, version in seen]
    assert [after] * 20 == versions[-20:]
    assert after == client.get("/readyz").json()["snapshot"]


def test_replica_needs_nothing_but_redis(client: httpx.Client, far: httpx.Client, template: Template) -> None:
    """A replica with an empty data folder fetches snapshot, catalogue and keys from Redis, and answers the same."""
    for user in (None, *template.customers[:5]):
        assert items_of(decided(client, user)) == items_of(decided(far, user))
    item = ids_of(decided(far))[0]
    put(client, {"id": item, "available": False})
    assert item not in ids_of(decided(far, limit=100))
    put(client, {"id": item, "available": True})


@pytest.mark.parametrize("damage", ["flipped", "cut", "missing", "manifest"])
def test_damaged_snapshot_is_refused(
    own: Server, client: httpx.Client, replica: Server, far: httpx.Client, template: Template, damage: str
) -> None:
    """A replica that finds the new snapshot damaged in Redis says so and goes on serving the old one."""
    second, first = (version.decode() for version in redis_of(own.data).lrange(f"{ARTIFACT}:snapshot", 0, 1))  # type: ignore[union-attr]
    _point_at(own, first)
    _wait_for(far, first)
    before, said = items_of(decided(far, template.customers[0])), len(replica.said)
    mend = _damage(own, second, damage)
    shutil.rmtree(replica.data / "snapshots" / second, ignore_errors=True)
    _point_at(own, second)
    waiting = Waiting()
    while waiting("refused" not in replica.said[said:]):
        pass
    assert first == decided(far)["snapshot"]
    assert before == items_of(decided(far, template.customers[0]))
    assert not (replica.data / "snapshots" / second).exists()
    assert "Traceback" not in replica.said
    mend()
    _point_at(own, first)


def test_replica_starts_beside_a_damaged_snapshot(own: Server, template: Template, tmp_path: Path) -> None:
    """A replica that finds nothing but a damaged snapshot starts all the same, and shows what is popular."""
    second, first = (version.decode() for version in redis_of(own.data).lrange(f"{ARTIFACT}:snapshot", 0, 1))  # type: ignore[union-attr]
    mend = _damage(own, second, "flipped")
    _point_at(own, second)
    env = {"ETAPPE_REDIS": _url(own)}
    with Server(tmp_path / "later", env=env) as later, later.client(template.secret) as asking:
        answer = decided(asking, template.customers[0])
        assert (answer["snapshot"], len(items_of(answer))) == (None, 10)
    mend()
    _point_at(own, first)


def test_training_replaces_a_damaged_snapshot(own: Server) -> None:
    """A damaged local copy is no fault as long as what is published is whole; else `check` says so, and training mends it."""
    current: Any = redis_of(own.data).get(f"{ARTIFACT}:snapshot:current")
    array = own.data / "snapshots" / current.decode() / "popularity.npy"
    held, spoilt = array.read_bytes(), own.data / "spoilt"

    def spoil() -> None:  # each time anew, as the server mends what it opens
        spoilt.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        spoilt.replace(array)

    spoil()
    assert etappe(own.data, "check").code == 0
    spoil()
    mend = _damage(own, current.decode(), "flipped")
    ran = etappe(own.data, "check")
    assert ran.code == 1, ran.out
    assert "FAIL snapshot" in ran.out
    must(own.data, "train")
    assert etappe(own.data, "check").code == 0
    mend()


def test_replica_that_slept_through_a_training_serves_it(own: Server, template: Template) -> None:
    """A snapshot published while a replica slept is served by it when it wakes, the journal trimmed meanwhile or not."""
    with Server(own.data) as sleeper, sleeper.client(template.secret) as client:
        asleep, awake = sleeper.serving()[0], _leases(own)
        os.kill(asleep, signal.SIGSTOP)
        try:
            version = must(own.data, "train").split()[1].rstrip(":")
            nothing = own.data / "nothing.jsonl"
            nothing.write_text('{"id": "late", "available": false}\n')
            must(own.data, "import-items", str(nothing))
            waiting = Waiting()
            while waiting(_leases(own) >= awake):
                pass
            must(own.data, "import-items", str(nothing))
        finally:
            os.kill(asleep, signal.SIGCONT)
        _wait_for(client, version)


def _leases(server: Server) -> int:
    held: Any = redis_of(server.data).zcard("etappe:{config}:leases")
    return int(held)


def _url(server: Server) -> str:
    return f"unix://{server.data / 'valkey' / 'valkey.sock'}"


def _point_at(server: Server, version: str) -> None:
    """What publishing does last."""
    redis = redis_of(server.data)
    redis.set(f"{ARTIFACT}:snapshot:current", version)
    redis.xadd("etappe:{config}:stream", {"k": "snapshot", "p": "{}"})


def _damage(server: Server, version: str, damage: str) -> Callable[[], object]:
    """Damages a snapshot in Redis; returns what mends it."""
    redis = redis_of(server.data)
    name = "manifest.json" if damage == "manifest" else "popularity.npy"
    chunk = f"{ARTIFACT}:snapshot:{version}:{name}:00000"
    held: Any = redis.get(chunk)
    damaged = {"flipped": held[:-1] + bytes([held[-1] ^ 1]), "cut": held[:-9], "manifest": held[:40], "missing": b""}
    redis.set(chunk, damaged[damage])
    return lambda: redis.set(chunk, held)
