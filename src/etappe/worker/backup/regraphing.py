"""The identity graph in Redis as the log tells it: aliases, members, tombstones."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from etappe.customers.identity import Graph, root_of
from etappe.errors import StoreUnavailableError
from etappe.ids import Subject
from etappe.log import Log
from etappe.progress import Progress
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.identities import graph, logged_tombstones, tombstones
from etappe.store.logged import replay
from etappe.store.records import envelope
from etappe.store.server.connection import SyncRedis, run_script
from etappe.worker.archiving.archive import archive

LOCK_MS: Final = 30_000
WAIT_SECONDS: Final = 60.0
BATCH: Final = 500
_SCANNED: Final = 5_000
_NODE = msgspec.json.Encoder()
T = TypeVar("T")


class Known(msgspec.Struct, frozen=True):
    """Of which subjects Redis has something: `records` of customers and browsers, `aliases`, `members` of customers."""

    records: set[Subject]
    aliases: set[Subject]
    members: set[Subject]


def known(client: SyncRedis) -> Known:
    """Of which subjects Redis has something."""
    found = Known(set(), set(), set())
    for some in batched(client.scan_iter(match="etappe:*", count=_SCANNED), BATCH):
        found.members.update(one for name in some if (one := keys.subject_in(name, "members")) is not None)
        subjects = [one for name in some if (one := keys.subject_in(name, "c")) is not None]
        pipe = client.pipeline(transaction=False)
        for subject in subjects:
            pipe.getrange(keys.record(subject), 0, envelope.HEADER_BYTES - 1)
        for subject, header in zip(subjects, pipe.execute(), strict=True):
            (found.aliases if envelope.is_alias(header) else found.records).add(subject)
    return found


def regraph(
    client: SyncRedis, log: Log, secret: bytes, settings: Settings, progress: Progress
) -> dict[Subject, Subject]:
    """Writes tombstones and the graph as the log has them, and nothing else stays; returns the customer of each alias.

    Whoever wants to change the graph meanwhile waits.

    Raises:
        StoreUnavailableError: others have been changing it all the time.
    """
    with _locked(client, settings) as renew:
        archive(client, log)
        tombstones.keep(client, logged_tombstones.in_log(log))
        told = replay.identities(log, secret)
        epoch: Any = client.get(keys.IDENTITY_EPOCH)
        last = max(told.epoch, int(epoch or 0))
        client.set(keys.IDENTITY_EPOCH, last)
        roots = told.graph.roots()
        done = 0
        for some in batched(_groups(told.graph, roots), BATCH):
            renew()
            _write(client, some, f"{last:015d}")
            done += len(some)
            progress("writing identities", done, len(set(roots.values())))
        renew()
        aliases = {subject: root for subject, root in roots.items() if subject != root}
        _forget_others(client, set(aliases), set(roots.values()))
    return aliases


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` of the values."""
    waiting = iter(values)
    while some := list(islice(waiting, size)):
        yield some


def _groups(whole: Graph, roots: dict[Subject, Subject]) -> Iterator[dict[Subject, Any]]:
    for subject, root in roots.items():
        if subject == root:
            yield whole.group(root)


def _write(client: SyncRedis, groups: list[dict[Subject, Any]], stamp: str) -> None:
    day = envelope.day_of(time.time())
    pipe = client.pipeline(transaction=True)
    for group in groups:
        root = root_of(group)
        pipe.delete(keys.members(root))
        pipe.hset(keys.members(root), mapping={b"epoch": stamp, **{one: _NODE.encode(group[one]) for one in group}})
        for alias in group:
            if alias != root:
                pipe.set(keys.record(alias), envelope.closed(graph=b"L" + stamp.encode() + root, used=day))
    pipe.execute()


def _forget_others(client: SyncRedis, aliases: set[Subject], roots: set[Subject]) -> None:
    """What Redis has of others goes, and what records say of the graph: all of it is in the log."""
    there = known(client)
    names = [keys.record(subject) for subject in there.aliases - aliases]
    names += [keys.members(subject) for subject in there.members - roots]
    for some in batched(names, BATCH):
        client.delete(*some)
    for records in batched(sorted(there.records), BATCH):
        _ungraph(client, records)


def _ungraph(client: SyncRedis, subjects: list[Subject]) -> None:
    """Takes the graph part out of records. Nobody else changes them: nothing is accepted while all is rebuilt."""
    values: Any = client.mget([keys.record(subject) for subject in subjects])
    pipe = client.pipeline(transaction=False)
    for subject, value in zip(subjects, values, strict=True):
        if value and envelope.graph_of(value):
            pipe.set(keys.record(subject), envelope.without_graph(value))
    pipe.execute()


@contextmanager
def _locked(client: SyncRedis, settings: Settings) -> Iterator[Callable[[], None]]:
    """Holds the lock of the graph, with no change left half done; what is yielded renews it."""
    token, deadline = secrets.token_hex(16), time.monotonic() + WAIT_SECONDS
    names = [keys.IDENTITY_LOCK, keys.IDENTITY_INTENT]
    while True:
        graph.recover(client, settings)
        taken = client.set(keys.IDENTITY_LOCK, token, nx=True, px=LOCK_MS)
        if taken and not client.exists(keys.IDENTITY_INTENT):
            break
        run_script(client, scripts.RELEASE, names, [token, "0"])
        if time.monotonic() > deadline:
            raise StoreUnavailableError("others have been changing identities all the time; stop them, then again")
        time.sleep(0.01)

    def renew() -> None:
        if client.get(keys.IDENTITY_LOCK) != token.encode():
            raise StoreUnavailableError("the change of identities took too long; run the same again")
        client.pexpire(keys.IDENTITY_LOCK, LOCK_MS)

    try:
        yield renew
    finally:
        run_script(client, scripts.RELEASE, names, [token, "0"])
