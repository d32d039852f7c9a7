"""Duties that fail: each is told on its own, and waits before it is tried again where it is patient."""

import logging

import pytest
import redis

from etappe.errors import EtappeError
from etappe.worker.attempts import LONGEST_PAUSE, Attempts


class _Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _tries(attempts: Attempts, error: Exception | None, *, patient: bool) -> bool:
    """Whether the duty was tried; it raises `error`."""
    tried = False
    with attempts.of("duty", patient=patient) as due:
        if due:
            tried = True
            if error is not None:
                raise error
    return tried


def test_patient_duties_wait_longer_each_time() -> None:
    """Each failure in a row doubles the pause, up to a bound; what succeeds begins anew."""
    clock = _Clock()
    attempts, error = Attempts(clock), EtappeError("damaged")
    moments = []
    for second in range(1_200):
        clock.now = float(second)
        if _tries(attempts, error, patient=True):
            moments.append(second)
    assert moments == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]
    assert LONGEST_PAUSE == 300.0
    clock.now = 2_000.0
    assert _tries(attempts, None, patient=True)
    assert _tries(attempts, error, patient=True)
    clock.now = 2_001.0
    assert _tries(attempts, error, patient=True)


def test_others_are_tried_at_once() -> None:
    """A duty that is not patient is tried again each round."""
    attempts = Attempts(_Clock())
    assert [_tries(attempts, OSError("full"), patient=False) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.ConnectionError("down"), True),
        (redis.TimeoutError("slow"), True),
        (redis.OutOfMemoryError("full"), False),
        (EtappeError("damaged"), False),
    ],
)
def test_only_a_silent_redis_ends_the_round(error: Exception, expected: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Where Redis does not answer all other duties would fail as well; any other failure is one duty's own."""
    attempts = Attempts(_Clock())
    with caplog.at_level(logging.WARNING):
        _tries(attempts, error, patient=True)
    assert attempts.unreachable is expected
    assert [record.exc_info for record in caplog.records] == [None]
