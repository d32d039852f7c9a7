"""Errors of Redis on the command line."""

import sys

import pytest
import redis

from etappe.cli import main as entry
from etappe.cli import redis_errors
from etappe.errors import StoreFullError


def test_errors_of_redis_are_told_in_words() -> None:
    """An error of Redis is told as it is, a full Redis with its remedy, any other error not at all."""
    assert redis_errors.told(redis.ConnectionError("no answer")) == "no answer"
    assert redis_errors.told(redis.exceptions.OutOfMemoryError("no room")) == str(StoreFullError())
    assert redis_errors.told(ValueError("a fault of ours")) is None


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of Redis ends a command with 1 and one line; what nobody expected keeps its trace."""
    raised: list[Exception] = [redis.TimeoutError("too late"), ValueError("a fault of ours")]

    def app(*_: object, **__: object) -> None:
        raise raised.pop(0)

    monkeypatch.setattr(sys.modules["etappe.cli.main"], "app", app)
    with pytest.raises(SystemExit) as ended:
        entry()
    assert (ended.value.code, capsys.readouterr().err) == (1, "etappe: too late\n")
    with pytest.raises(ValueError, match="a fault of ours"):
        entry()
