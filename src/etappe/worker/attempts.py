"""Duties that may fail, each told and tried again on its own."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import redis

from etappe.errors import EtappeError, GenerationError

LONGEST_PAUSE: Final = 300.0
"""Seconds after which a duty that goes on failing is tried again at the latest."""
_log = logging.getLogger("etappe.worker")


class Attempts:
    """Which duties have failed, how often in a row, and when each is to be tried again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._again: dict[str, float] = {}
        self._told: set[str] = set()
        self._standing: dict[str, str] = {}
        self.unreachable = False
        """Whether the last duty failed as Redis did not answer, which all others need as well."""
        self.failed = False
        """Whether the last duty failed."""

    @contextmanager
    def of(self, name: str, *, patient: bool) -> Iterator[bool]:
        """Whether a duty is to be done in the block, or waits as it failed a moment ago; what it raises is logged.

        What nobody has foreseen is logged with its traceback once. A patient duty, which may have read much before it
        failed, waits twice as long after each failure.
        """
        self.unreachable = self.failed = False
        if self._clock() < self._again.get(name, 0.0):
            yield False
            return
        try:
            yield True
        except GenerationError as error:
            self._fail(name, patient=False)
            self._tell_once(name, str(error))
        except (redis.RedisError, OSError, EtappeError) as error:
            self.unreachable = isinstance(error, redis.ConnectionError | redis.TimeoutError)
            self._fail(name, patient=patient and not self.unreachable)
            _log.warning("%s failed and is tried again: %s", name, error)
        except Exception as error:  # noqa: BLE001 - the other duties go on, whatever is wrong with this one
            self._fail(name, patient=patient)
            self._tell(name, error)
        else:
            self._failures.pop(name, None)
            self._standing.pop(name, None)

    def _fail(self, name: str, *, patient: bool) -> None:
        self.failed = True
        self._failures[name] = self._failures.get(name, 0) + 1
        if patient:
            self._again[name] = self._clock() + min(LONGEST_PAUSE, 2.0 ** (self._failures[name] - 1))

    def _tell_once(self, name: str, text: str) -> None:
        """Says what only a person can mend once for as long as it stands."""
        if self._standing.get(name) != text:
            _log.error("nothing is done until this is mended: %s", text)
        self._standing[name] = text

    def _tell(self, name: str, error: BaseException) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place_of_error = f"{type(error).__name__} in {frame.filename}:{frame.lineno}"
        known = place_of_error in self._told
        _log.warning("%s failed and is tried again: %s: %s", name, place_of_error, error, exc_info=not known)
        self._told.add(place_of_error)
