"""The worker's rounds: a table of duties. Each can be broken off anywhere and begun again."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import catalogues, journal
from etappe.store.identities import graph
from etappe.store.place import generation
from etappe.store.server.connection import SyncRedis
from etappe.worker.archiving.archive import archive
from etappe.worker.attempts import Attempts
from etappe.worker.compaction import compact
from etappe.worker.erasing.rewriting import erase_due
from etappe.worker.exporting import export_wanted
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild_dirty
from etappe.worker.sweeping import sweep

PAUSE_SECONDS: Final = 1.0
COMPILE_AFTER: Final = 200
"""Journal entries after which the catalogue is compiled anew."""


def work(client: SyncRedis, place: Place, settings: Settings, stopping: Callable[[], bool]) -> None:
    """Goes on until `stopping`, then goes one last round."""
    log = Log(place.data / "log")
    log.prepare()
    attempts = Attempts()
    while not stopping():
        go_round(client, log, place, settings, attempts)
        _pause(stopping)
    go_round(client, log, place, settings, attempts)


def go_round(client: SyncRedis, log: Log, place: Place, settings: Settings, attempts: Attempts | None = None) -> None:
    """One round of all duties, each on its own: one that fails keeps none of the others from being done.

    None is done where Redis and the log do not belong together.
    """
    round_, attempts = Round(client, log, place, settings), attempts or Attempts()
    with attempts.of("comparing Redis and the log", patient=False):
        generation.hold(client, log, place.data)
    if attempts.failed:
        log.forget()
        return
    for duty in DUTIES:
        with attempts.of(duty.name, patient=duty.patient) as due:
            if due:
                with log.reading():
                    duty.do(round_)
        if attempts.unreachable:
            return


class Round(NamedTuple):
    """What the duties of a round work on."""

    client: SyncRedis
    log: Log
    place: Place
    settings: Settings


class Duty(NamedTuple):
    """Something that each round sees to. Where it is `patient`, it is not tried again at once when it fails."""

    name: str
    do: Callable[[Round], object]
    patient: bool = True


def _compile_where_due(round_: Round) -> None:
    if _journal_length(round_.client) >= COMPILE_AFTER:
        compile_catalogue(round_.client, round_.log, round_.place)


DUTIES: Final = (
    Duty("archiving", lambda r: archive(r.client, r.log), patient=False),
    Duty("joining identities", lambda r: graph.recover(r.client, r.settings), patient=False),
    Duty("folding", lambda r: fold_long_tails(r.client, r.settings), patient=False),
    Duty("rebuilding customers", lambda r: rebuild_dirty(r.client, r.log, r.settings)),
    Duty("exporting customers", lambda r: export_wanted(r.client, r.log, r.settings)),
    Duty("erasing customers", lambda r: erase_due(r.client, r.log, r.place.data / "rejected", r.settings)),
    Duty("compiling the catalogue", _compile_where_due),
    Duty("compacting the log", lambda r: compact(r.log)),
    Duty("sweeping records", lambda r: sweep(r.client, r.settings)),
)
"""Everything that waits is archived and folded, catalogue and log are kept small where it is time."""


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
