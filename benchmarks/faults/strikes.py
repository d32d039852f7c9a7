"""What is done to a shop: processes killed, at any moment or at a named point, and Redis, disk and clock hurt."""

import contextlib
import random
import signal
import time
from collections.abc import Callable
from os import kill, statvfs
from typing import Any, Final

import redis

from benchmarks.faults.log import cut_file, lose_commits
from benchmarks.faults.losses import NotRebuiltError, flush, set_back
from benchmarks.faults.points import NotPassedError
from benchmarks.faults.shop import Shop
from etappe.store import keys

Strike = Callable[[Shop, random.Random], None]
_ROOM: Final = 60_000
"""Bytes of traffic that a Redis takes at most before it is full."""
_DRAIN_SECONDS: Final = 30.0


class NotDrainedError(Exception):
    """The worker did not empty the streams of a full Redis."""


def _kill_serving(shop: Shop, chance: random.Random) -> None:
    shop.kill(chance.choice(shop.serving()))


def _kill_all_serving(shop: Shop, _: random.Random) -> None:
    for pid in shop.serving():
        shop.kill(pid)


def _kill_worker(shop: Shop, _: random.Random) -> None:
    pid = shop.worker()
    if pid is not None:
        shop.kill(pid)


def _kill_serve(shop: Shop, _: random.Random) -> None:
    """The parent alone: its processes have to notice."""
    shop.kill(shop.processes["serve"].pid)


def _kill_store(shop: Shop, _: random.Random) -> None:
    pid = shop.valkey()
    if pid is not None:
        shop.kill(pid)


def _kill_everything(shop: Shop, chance: random.Random) -> None:
    pids = [pid for part in shop.parts for pid in shop.family(part)]
    store = shop.valkey()
    pids += [store] if store and store not in pids else []
    chance.shuffle(pids)
    for pid in pids:
        shop.kill(pid)


def _stop_redis(shop: Shop, _: random.Random) -> None:
    shop.processes["redis"].terminate()


def _pause_redis(shop: Shop, chance: random.Random) -> None:
    pid = shop.processes["redis"].pid
    kill(pid, signal.SIGSTOP)
    try:
        time.sleep(chance.uniform(2, 5))
    finally:
        kill(pid, signal.SIGCONT)


def _pause_worker(shop: Shop, chance: random.Random) -> None:
    pid = shop.worker()
    if pid is not None:
        kill(pid, signal.SIGSTOP)
        time.sleep(chance.uniform(1, 3))
        kill(pid, signal.SIGCONT)


def _configured(name: str, hurt: str, well: str) -> Strike:
    def strike(shop: Shop, chance: random.Random) -> None:
        with contextlib.closing(shop.client()) as client:
            client.config_set(name, hurt)
            time.sleep(chance.uniform(0.5, 2.5))
            client.config_set(name, well)

    return strike


def _fill_without_worker(shop: Shop, chance: random.Random) -> None:
    """Traffic fills Redis while no worker lives; the one that starts then has to make room by itself."""
    with contextlib.closing(shop.client()) as client:
        with shop.without("worker"):
            held: Any = client.info("memory")["used_memory"]
            client.config_set("maxmemory", held + chance.randrange(_ROOM))
            client.script_flush()
            time.sleep(chance.uniform(1, 3))
        deadline = time.monotonic() + _DRAIN_SECONDS
        try:
            while any(client.xlen(name) for name in keys.streams()):
                if time.monotonic() > deadline:
                    raise NotDrainedError
                time.sleep(0.05)
        finally:
            client.config_set("maxmemory", 0)


def _read_only(shop: Shop, chance: random.Random) -> None:
    with contextlib.closing(shop.client()) as client:
        client.replicaof("127.0.0.1", "1")
        time.sleep(chance.uniform(0.5, 2.5))
        client.replicaof("NO", "ONE")


def _forget_scripts(shop: Shop, _: random.Random) -> None:
    with contextlib.closing(shop.client()) as client:
        client.script_flush()


def _drop_connections(shop: Shop, chance: random.Random) -> None:
    """Every connection is cut while commands are under way, now and then for a while."""
    with contextlib.closing(shop.client()) as client:
        for _ in range(10):
            client.client_kill_filter(_type="normal", skipme=True)
            time.sleep(chance.uniform(0.01, 0.1))


def _fill_disk(shop: Shop, chance: random.Random) -> None:
    """The log's disk has a few kB left for a while; a file of ours takes the rest."""
    filler = shop.data / "log" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            room = statvfs(filler).f_bavail * statvfs(filler).f_frsize
            left = chance.choice([0, 4096, 16384])
            if room <= left or not file.write(b"\0" * min(room - left, 1 << 20)):
                break
    time.sleep(chance.uniform(1.5, 3.5))
    filler.unlink()


def _step_back(shop: Shop, chance: random.Random) -> None:
    shop.step(-chance.choice([0.5, 60.0, 3600.0, 86400.0]))
    time.sleep(chance.uniform(0.5, 2))
    shop.step(chance.choice([0.0, -30.0, 3600.0]))


EXTERNAL: Final[dict[str, Strike]] = {
    "serving process killed": _kill_serving,
    "all serving processes killed": _kill_all_serving,
    "worker killed": _kill_worker,
    "etappe serve killed": _kill_serve,
    "everything killed": _kill_everything,
    "redis killed": _kill_store,
    "redis restarted": _stop_redis,
    "redis paused": _pause_redis,
    "redis out of memory": _configured("maxmemory", "1mb", "0"),
    "redis full while the worker is down": _fill_without_worker,
    "redis without replicas": _configured("min-replicas-to-write", "1", "0"),
    "redis read-only": _read_only,
    "redis forgets scripts": _forget_scripts,
    "redis drops connections": _drop_connections,
    "worker paused": _pause_worker,
    "redis flushed, then rebuilt": flush,
    "redis set back, then rebuilt": set_back,
    "file of the log cut, then healed": cut_file,
    "commits of the log lost, then listed anew": lose_commits,
}
EMBEDDED: Final[dict[str, Strike]] = {
    "serving process killed": _kill_serving,
    "worker killed": _kill_worker,
    "etappe serve killed": _kill_serve,
    "embedded server killed": _kill_store,
    "everything killed": _kill_everything,
}
SMALL_LOG: Final[dict[str, Strike]] = {"disk full": _fill_disk}
STEPPED: Final[dict[str, Strike]] = {"clock stepped back": _step_back}


def struck(strike: Strike, shop: Shop, chance: random.Random) -> str | None:
    """Strikes; what went wrong in doing so, if anything."""
    shop.struck_at = time.monotonic()
    try:
        strike(shop, chance)
    except NotPassedError:
        return "not passed"
    except (redis.RedisError, IndexError, ProcessLookupError, NotRebuiltError, NotDrainedError) as error:
        return f"the strike failed: {error!r}"
    return None
