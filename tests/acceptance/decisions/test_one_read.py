"""One decision, one awaited round trip to Redis."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, decided, redis_of

from etappe.store import keys

BEHIND = {
    "XADD": "{decision}:stream",  # decision records, written behind answers
    "XREAD": "{config}:stream",  # the replica follows the journal
    "EVALSHA": "{config}:leases",  # the replica renews its lease
    "XRANGE": ":stream",  # the worker archives
    "XTRIM": ":stream",
    "SMEMBERS": ":long",  # the worker looks for long tails
    "XLEN": "{config}:stream",  # the worker looks at the journal
    "GETRANGE": ":c:",  # the worker sweeps
    "PING": "",  # the server's keeper
    "INFO": "memory",  # how full Redis is
    "HELLO": "",  # a connection is opened
    "CLIENT": "SETINFO",
    "MONITOR": "",  # this test
}
"""Commands that come beside a decision, each with what it must name."""


@pytest.fixture(scope="module")
def alone(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server with one serving process."""
    with Server(copy_of()) as server:
        _wait_for_the_worker(server)
        yield server


def _wait_for_the_worker(server: Server) -> None:
    """Returns when its first round is done, in which it rebuilds whom the copied shop left to be rebuilt."""
    client, waiting = redis_of(server.data), Waiting()
    client.delete(keys.SWEEP)
    while waiting(not client.exists(keys.SWEEP)):
        pass


@pytest.fixture(scope="module")
def client(alone: Server, template: Template) -> Iterator[httpx.Client]:
    """Its client."""
    with alone.client(template.secret) as found:
        yield found


class Monitor:
    """What reaches Redis inside the block."""

    def __init__(self, server: Server) -> None:
        self._redis = redis_of(server.data)
        self.commands: list[str] = []
        self._end = threading.Event()

    def __enter__(self) -> Self:
        self._monitor = self._redis.monitor()
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._redis.echo("the end")
        self._thread.join()
        self._monitor.__exit__(None, None, None)
        self._redis.close()

    def _listen(self) -> None:
        while "the end" not in (said := self._monitor.next_command())["command"]:
            if said["client_type"] != "lua":
                self.commands.append(said["command"])

    @property
    def others(self) -> list[str]:
        """Commands about customers that are not accounted for by name."""
        return [one for one in self._unaccounted if _names_customer(one)]

    @property
    def rest(self) -> list[str]:
        """Commands about no customer: of worker and keeper, which go their own rounds."""
        return [one for one in self._unaccounted if not _names_customer(one)]

    @property
    def _unaccounted(self) -> list[str]:
        return [one for one in self.commands if BEHIND.get(one.split()[0].upper(), "nothing") not in one]


def _names_customer(command: str) -> bool:
    return any(part in command for part in (":c:", ":members:", ":answer:"))


def test_known_customer_takes_one_command(alone: Server, client: httpx.Client, template: Template) -> None:
    """A decision for a known user_id sends one MGET of record and mark; only what is written behind comes beside it."""
    users = template.customers[:20]
    with Monitor(alone) as monitor:
        for user in users:
            assert decided(client, user)["customer"]["known"] is True
    assert len(users) == len(monitor.others)
    assert len(monitor.rest) < len(users)  # nothing comes with every decision
    for command in monitor.others:
        words = command.split()
        assert [words[0], *(name.split(":")[2] for name in words[1:])] == ["MGET", "c", "mark"]


def test_request_id_is_read_with_the_record(alone: Server, client: httpx.Client, template: Template) -> None:
    """A request_id adds a key to the one command, and the answer is kept by one more."""
    decided(client, template.customers[0], request_id="r-0")  # the first call loads the script
    with Monitor(alone) as monitor:
        decided(client, template.customers[0], request_id="r-1")
    assert [one.split()[0] for one in monitor.others] == ["MGET", "EVALSHA"]
    assert [name.split(":")[2] for name in monitor.others[0].split()[1:]] == ["c", "mark", "answer"]


def test_browser_without_proof_is_read_with_its_own_record(alone: Server, template: Template) -> None:
    """Of a browser's key the one command asks for the record beside the account's too, which lies in the same partition."""
    with alone.client(template.publishable) as browser, Monitor(alone) as monitor:
        decided(browser, customer={"anonymous_id": "cookie"})
    assert [one.split()[0] for one in monitor.others] == ["MGET"]
    assert [name.split(":")[2] for name in monitor.others[0].split()[1:]] == ["c", "mark", "c"]


def test_two_identities_are_read_together(alone: Server, client: httpx.Client, template: Template) -> None:
    """A user_id and an anonymous_id are two commands in one round trip, and no third."""
    customer = {"user_id": template.customers[0], "anonymous_id": "cookie"}
    with Monitor(alone) as monitor:
        decided(client, customer=customer)
    assert [one.split()[0] for one in monitor.others] == ["MGET", "MGET"]


def test_nameless_stranger_asks_nothing(alone: Server, client: httpx.Client) -> None:
    """Who names nobody costs Redis nothing."""
    with Monitor(alone) as monitor:
        decided(client)
    assert monitor.others == []
