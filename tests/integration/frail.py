"""A connection that breaks, or falls asleep, in the middle of something: after any number of commands."""

import threading
from collections.abc import Callable
from typing import Any, Self

from etappe.errors import NotFoundError, StoreUnavailableError
from etappe.store.server.connection import SyncRedis


class Crash(BaseException):
    """The process is gone: nothing of it runs any more, no `except` and no clean-up reaches the server."""


def crash() -> None:
    """What a process does that is killed."""
    raise Crash


class Frail:
    """Commands through `client`; before command number `after` (0 is the first) `happens` is called.

    The commands of a pipeline are sent one by one, so that it may break in its middle. Where `happens` raises, all
    further commands raise too. With `behind` only the commands behind the first one with that argument are counted.
    """

    def __init__(self, client: SyncRedis, after: int, happens: Callable[[], None], behind: str | None = None) -> None:
        self._client = client
        self._left = after
        self._happens = happens
        self._behind = behind

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The command `name`."""

        def call(*arguments: Any, **options: Any) -> Any:
            if self._behind is None:
                self.spend()
            elif self._behind in arguments:
                self._behind = None
            return getattr(self._client, name)(*arguments, **options)

        return call

    def spend(self) -> None:
        """One command."""
        if self._left == 0:
            self._happens()
        self._left -= self._left >= 0

    def pipeline(self, *, transaction: bool = True) -> "_Pipe":
        """A pipeline of single commands; only one that is no transaction may break in its middle."""
        assert not transaction
        return _Pipe(self)


class _Pipe:
    def __init__(self, frail: Frail) -> None:
        self._frail = frail
        self._calls: list[tuple[str, Any, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Self]:
        def call(*arguments: Any, **options: Any) -> Self:
            self._calls.append((name, arguments, options))
            return self

        return call

    def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        replies: list[Any] = []
        for name, arguments, options in self._calls:
            try:
                replies.append(getattr(self._frail, name)(*arguments, **options))
            except Exception as error:
                if raise_on_error:
                    raise
                replies.append(error)
        self._calls = []
        return replies


class Sleeper:
    """A change in a thread of its own, which falls asleep before a certain command."""

    def __init__(self, client: SyncRedis, after: int, behind: str | None, change: Callable[[Any], None]) -> None:
        self._slept, self._may_wake = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._frail = Frail(client, after, self._sleep, behind)
        self._thread = threading.Thread(target=self._run, args=(change,))
        self._thread.start()
        while self._thread.is_alive() and not self._slept.is_set():
            self._slept.wait(0.001)
        self.asleep = self._slept.is_set()
        if not self.asleep:
            self._thread.join()

    def wake(self) -> BaseException | None:
        """Lets it go on to its end; the error it ended with."""
        self._may_wake.set()
        self._thread.join()
        return self._error

    def _run(self, change: Callable[[Any], None]) -> None:
        try:
            change(self._frail)
        except (StoreUnavailableError, NotFoundError) as error:
            self._error = error

    def _sleep(self) -> None:
        self._slept.set()
        self._may_wake.wait()
