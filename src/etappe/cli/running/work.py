"""`etappe worker`: the process behind those that serve."""

import logging
import signal
import threading
from types import FrameType

from etappe import parent, settings
from etappe.cli.options import HERE, Where
from etappe.garbage import leave_alone
from etappe.wiring.store import opened
from etappe.worker.run import work


def worker(*, where: Where = HERE) -> None:
    """Archive events into the log, fold customers' records, compile the catalogue, until stopped."""
    place = where.place()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    stop = threading.Event()

    def stopping(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, stopping)
    signal.signal(signal.SIGINT, stopping)
    with opened(place) as here:
        began_by = settings.parent()
        leave_alone()
        work(here.client, place, here.settings, lambda: stop.is_set() or parent.lost(began_by))
