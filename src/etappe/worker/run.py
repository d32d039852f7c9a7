"""The worker's rounds: archive, fold, compile. Each step can be broken off anywhere and begun again."""

import logging
import time
from collections.abc import Callable
from typing import Final

import redis

from etappe.errors import EtappeError
from etappe.settings import Place, Settings
from etappe.store import catalogues, journal, keys
from etappe.store.connection import SyncRedis
from etappe.store.log import Log
from etappe.worker.archive import archive
from etappe.worker.folding import fold_long_tails

PAUSE_SECONDS: Final = 1.0
COMPILE_AFTER: Final = 200
"""Journal entries after which the catalogue is compiled anew."""
_log = logging.getLogger("etappe.worker")


def work(client: SyncRedis, place: Place, settings: Settings, stopping: Callable[[], bool]) -> None:
    """Goes on until `stopping`, then goes one last round."""
    log = Log(place.data / "log")
    log.prepare()
    while not stopping():
        _try_round(client, log, place, settings)
        _pause(stopping)
    _try_round(client, log, place, settings)


def _try_round(client: SyncRedis, log: Log, place: Place, settings: Settings) -> None:
    try:
        go_round(client, log, place, settings)
    except (redis.RedisError, OSError, EtappeError) as error:
        _log.warning("this round failed and is tried again: %s", error)


def go_round(client: SyncRedis, log: Log, place: Place, settings: Settings) -> None:
    """One round: everything that waits is archived and folded, the catalogue compiled if enough has changed."""
    archive(client, log)
    fold_long_tails(client, settings)
    if _journal_length(client) >= COMPILE_AFTER:
        compile_catalogue(client, log, place)


def compile_catalogue(client: SyncRedis, log: Log, place: Place) -> None:
    """Compiles the catalogue, then drops the journal entries that the log, the catalogue and all replicas have."""
    with log.compiling():
        compiled = catalogues.compile_current(client, place.data)
        archive(client, log)
        applied = journal.oldest_live(client) or compiled
        journal.trim(client, min(compiled, applied, key=journal.ordered))


def _journal_length(client: SyncRedis) -> int:
    return int(client.xlen(keys.CONFIG_STREAM))


def _pause(stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < until and not stopping():
        time.sleep(0.05)
