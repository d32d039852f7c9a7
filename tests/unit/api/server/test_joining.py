"""Heads of answers that wait for their bodies."""

from types import SimpleNamespace

import pytest

from etappe.api.server.joining import Joined


class _Sent:
    """A transport that keeps what it was given to send, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def sent() -> _Sent:
    """What goes out."""
    return _Sent()


@pytest.fixture
def cycle(sent: _Sent) -> SimpleNamespace:
    """A request that is not answered yet."""
    return SimpleNamespace(transport=sent, response_started=False)


def test_head_and_body_are_one_call(sent: _Sent, cycle: SimpleNamespace) -> None:
    """The head goes out with the first piece of the body, later pieces by themselves."""
    joined = Joined(cycle)
    cycle.response_started = True
    for piece in (b"head ", b"body", b"more"):
        joined.write(piece)
    assert sent.calls == [b"head body", b"more"]


def test_what_comes_before_the_answer_does_not_wait(sent: _Sent, cycle: SimpleNamespace) -> None:
    """A client that waits for 100 Continue gets it before it sends the body that the answer is to."""
    joined = Joined(cycle)
    joined.write(b"100 ")
    assert sent.calls == [b"100 "]
    cycle.response_started = True
    joined.write(b"head ")
    joined.write(b"")
    assert sent.calls == [b"100 ", b"head "]


def test_a_head_alone_goes_out_when_it_ends(sent: _Sent, cycle: SimpleNamespace) -> None:
    """Where the application fails behind the head, the client gets the head before the connection closes."""
    joined = Joined(cycle)
    cycle.response_started = True
    joined.write(b"head ")
    assert (sent.calls, joined.is_closing()) == ([], False)
    joined.close()
    assert (sent.calls, joined.is_closing()) == ([b"head "], True)
