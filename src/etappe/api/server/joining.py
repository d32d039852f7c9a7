"""Answers in one system call: uvicorn writes head and body one after the other, and uvloop sends each at once.

The second call, and the client's second turn, cost as much as all the rest of a small answer's way out.
"""

from typing import Any


class Joined:
    """The transport of one answer to a POST, whose head waits for the first piece of the body.

    A body comes behind every head but where the application fails in between; then uvicorn closes. What is written
    before the answer (100 Continue) goes out as it comes.
    """

    __slots__ = ("_begun", "_cycle", "_head", "_transport")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._transport = cycle.transport
        self._head = b""
        self._begun = False

    def write(self, data: bytes) -> None:
        """Sends `data`, with the head where that waits."""
        if self._cycle.response_started and not self._begun:
            self._begun, self._head = True, data
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def close(self) -> None:
        """Closes the connection once all is sent, the head too."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        closing: bool = self._transport.is_closing()
        return closing
