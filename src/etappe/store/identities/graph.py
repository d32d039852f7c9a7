"""The identity graph in Redis: read in one go, changed by one process at a time, finished by anyone.

A change is journalled first, together with the steps that bring Redis up to it (`identities.steps`); each step may be
done again, and refuses where a later change was faster. So a process that dies, or sleeps past its lock, leaves nothing
half done: whoever comes next finishes the steps. Events never wait for all this: the ingest script itself checks that a
subject still belongs to the customer it writes to.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from etappe import faults
from etappe.customers.identity import Change, Claim, Graph
from etappe.errors import NotFoundError, StoreUnavailableError
from etappe.ids import Subject
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.identities.applying import Steps, clean, dirty, do, mark_dirty, steps_of
from etappe.store.records.roots import Place, groups, place_of, places, roots
from etappe.store.server.connection import SyncRedis, run_script

__all__ = [
    "GraphChange",
    "Place",
    "Steps",
    "changing",
    "clean",
    "dirty",
    "groups",
    "link",
    "mark_dirty",
    "part",
    "place_of",
    "places",
    "recover",
    "roots",
]

LOCK_MS: Final = 5_000
LOCK_WAIT_SECONDS: Final = 15.0
CLAIMS_AT_ONCE: Final = 500
_STEPS = msgspec.json.Decoder(Steps)


def link(client: SyncRedis, claims: Sequence[Claim], settings: Settings) -> int:
    """Links what `claims` say, as far as the rules of `customers.identity` allow; returns how many changed anything.

    Raises:
        StoreUnavailableError: others have been changing the graph all the time; ask again.
    """
    return sum(
        _link(client, claims[start : start + CLAIMS_AT_ONCE], settings)
        for start in range(0, len(claims), CLAIMS_AT_ONCE)
    )


def _link(client: SyncRedis, claims: Sequence[Claim], settings: Settings) -> int:
    """Links claims in one change; in two of half the size where the lock ran out, before which nothing is changed."""
    try:
        with changing(client, settings) as change:
            graph = change.read([subject for claim in claims for subject in (claim.one, claim.other)])
            now = time.time_ns() // 1_000_000
            changed = sum(graph.claim(claim, now) for claim in claims)
            change.write(graph, now)
    except _LockLostError:
        if len(claims) == 1:
            raise
        half = len(claims) // 2
        return _link(client, claims[:half], settings) + _link(client, claims[half:], settings)
    return changed


def part(client: SyncRedis, subject: Subject, other: Subject, cause: str, settings: Settings) -> list[Subject]:
    """Takes `other` out of the customer of `subject`; returns the two customers there are now.

    Raises:
        NotFoundError: they are not one customer.
    """
    with changing(client, settings) as change:
        graph = change.read([subject])
        if subject not in graph.nodes or other not in graph.nodes or not graph.part(subject, other, cause):
            raise NotFoundError("that is none of this customer's identities; the list of identities shows them")
        change.write(graph, time.time_ns() // 1_000_000)
        after = graph.roots()
    return [after[subject], after[other]]


class _LockLostError(StoreUnavailableError):
    """The lock ran out before the change was journalled; nothing was changed."""


class GraphChange:
    """A change of the graph under the lock."""

    def __init__(self, client: SyncRedis, settings: Settings, token: str) -> None:
        self._client = client
        self._settings = settings
        self._token = token
        self._before: dict[Subject, Subject] = {}
        self.done = 0
        """The number of the last change of which nothing is left to be done."""

    def read(self, subjects: Iterable[Subject]) -> Graph:
        """The customers that `subjects` belong to, whole."""
        wanted = list(dict.fromkeys(subjects))
        found = roots(self._client, wanted)
        held = groups(self._client, list(dict.fromkeys(found.values())))
        self._before = {subject: root for root, group in held.items() for subject in group} | found
        return Graph(held.values())

    def write(self, graph: Graph, now: int) -> None:
        """Journals the changes of `graph` and brings Redis up to them, and to links that had lapsed."""
        steps = steps_of(graph, self._before)
        if graph.changes or steps.aliases:
            self.journal(graph.changes, steps, now)

    def journal(self, changes: Sequence[Change], steps: Steps, now: int) -> None:
        """Journals rows as they are, then does the steps."""
        names = [keys.IDENTITY_LOCK, keys.IDENTITY_EPOCH, keys.IDENTITY_STREAM, keys.IDENTITY_INTENT]
        rows = msgspec.json.encode([_row(change) for change in changes])
        faults.point("graph.begin.before")
        epoch = run_script(self._client, scripts.BEGIN, names, [self._token, now, rows, msgspec.json.encode(steps)])
        if not epoch:
            raise _LockLostError("the change of identities took too long; send the same again")
        faults.point("graph.begin.after")
        do(self._client, int(epoch), steps, self._settings)
        self.done = int(epoch)

    def finish(self) -> None:
        """Does the steps of the last change again, which its process may have left undone."""
        intent: Any = self._client.get(keys.IDENTITY_INTENT)
        if intent:
            epoch, _, steps = intent.partition(b" ")
            do(self._client, int(epoch), _STEPS.decode(steps), self._settings)
            self.done = int(epoch)


@contextmanager
def changing(client: SyncRedis, settings: Settings) -> Iterator[GraphChange]:
    """Holds the lock inside the block, after finishing what another process left undone.

    Raises:
        StoreUnavailableError: the lock was not to be had in time.
    """
    token = secrets.token_hex(16)
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not client.set(keys.IDENTITY_LOCK, token, nx=True, px=LOCK_MS):
        if time.monotonic() > deadline:
            raise StoreUnavailableError("others have been changing identities all the time; send the same again")
        time.sleep(0.002)
    change = GraphChange(client, settings, token)
    try:
        change.finish()
        yield change
    finally:
        arguments = [token, change.done]
        faults.point("graph.release.before")
        run_script(client, scripts.RELEASE, [keys.IDENTITY_LOCK, keys.IDENTITY_INTENT], arguments)
        faults.point("graph.release.after")


def recover(client: SyncRedis, settings: Settings) -> None:
    """Finishes a change that its process left undone, if there is one."""
    if client.exists(keys.IDENTITY_INTENT):
        with changing(client, settings):
            pass


def _row(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "subject": change.subject.hex(),
        "customer": change.customer.hex() if change.customer else None,
        "kind": change.kind,
        "value": change.value,
        "cause": change.cause,
    }
