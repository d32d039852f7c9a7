"""The worker's rounds: archive, fold, compile. Each step can be broken off anywhere and begun again."""

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final

import redis

from etappe.errors import EtappeError, GenerationError
from etappe.settings import Place, Settings
from etappe.store import catalogues, generation, journal, keys
from etappe.store.connection import SyncRedis
from etappe.store.identities import graph
from etappe.store.log import Log
from etappe.worker.archiving.archive import archive
from etappe.worker.compaction import compact
from etappe.worker.erasing.rewriting import erase_due
from etappe.worker.exporting import export_wanted
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild_dirty

PAUSE_SECONDS: Final = 1.0
COMPILE_AFTER: Final = 200
"""Journal entries after which the catalogue is compiled anew."""
_GENERATION: Final = "generation: "
_log = logging.getLogger("etappe.worker")


def work(client: SyncRedis, place: Place, settings: Settings, stopping: Callable[[], bool]) -> None:
    """Goes on until `stopping`, then goes one last round."""
    log = Log(place.data / "log")
    log.prepare()
    told: set[str] = set()
    while not stopping():
        _try_round(client, log, place, settings, told)
        _pause(stopping)
    _try_round(client, log, place, settings, told)


def _try_round(client: SyncRedis, log: Log, place: Place, settings: Settings, told: set[str]) -> None:
    """A round; whatever it fails of is logged, what nobody has foreseen with its traceback the first time (`told`)."""
    try:
        generation.hold(client, log, place.data)
        told -= {text for text in told if text.startswith(_GENERATION)}
        go_round(client, log, place, settings)
    except GenerationError as error:
        if (text := f"{_GENERATION}{error}") not in told:
            _log.error("nothing is done until this is mended: %s", error)
            told.add(text)
    except (redis.RedisError, OSError, EtappeError) as error:
        _log.warning("this round failed and is tried again: %s", error)
    except Exception as error:  # noqa: BLE001 - archiving goes on, whatever is wrong with one of the rounds' steps
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place_of_error = f"{type(error).__name__} in {frame.filename}:{frame.lineno}"
        known = place_of_error in told
        _log.warning("this round failed and is tried again: %s: %s", place_of_error, error, exc_info=not known)
        told.add(place_of_error)


def go_round(client: SyncRedis, log: Log, place: Place, settings: Settings) -> None:
    """One round: everything that waits is archived and folded, catalogue and log are kept small where it is time."""
    archive(client, log)
    graph.recover(client, settings)
    fold_long_tails(client, settings)
    rebuild_dirty(client, log, settings)
    export_wanted(client, log, settings)
    erase_due(client, log, place.data / "rejected", settings)
    if _journal_length(client) >= COMPILE_AFTER:
        compile_catalogue(client, log, place)
    compact(log)


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
