"""What brings Redis up to a change of the identity graph: steps that may be done again, and undo nothing later."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from etappe import faults
from etappe.customers import tails
from etappe.customers.identity import Graph, Node
from etappe.customers.packed.base import consent_of, consent_time_of
from etappe.customers.stated.consent import DENIED, GRANTED
from etappe.events.identities import ANONYMOUS
from etappe.ids import PARTITIONS, SUBJECT_BYTES, Partition, Subject, browser_of, partition_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.records import envelope
from etappe.store.records.envelope import Envelope
from etappe.store.records.roots import HEAD_BYTES, place_of, subjects_in
from etappe.store.scripts import Script
from etappe.store.server.connection import SyncRedis, run_scripts

_CONSENT_BYTES: Final = 24
"""The head of a base, with what was last said on personalisation and when."""
_Call = tuple[Script, list[str], list[Any]]


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """What brings Redis up to a change. Done again it changes nothing.

    `groups` by root; `aliases` (subject, root); `adopted` (former root, root); `own` are customers of their own again;
    `dirty` are to be rebuilt from the log, `erased` are to be forgotten; `tombstones` are theirs, `since` is when (Unix
    ms).
    """

    groups: list[tuple[Subject, list[tuple[Subject, Node]]]] = []
    aliases: list[tuple[Subject, Subject]] = []
    adopted: list[tuple[Subject, Subject]] = []
    own: list[Subject] = []
    dirty: list[Subject] = []
    erased: list[Subject] = []
    tombstones: list[bytes] = []
    since: int = 0


def steps_of(graph: Graph, before: dict[Subject, Subject]) -> Steps:
    """The steps from the customers there were (`before`, root by subject) to those of `graph`."""
    after = graph.roots()
    former = {subject: before.get(subject, subject) for subject in after}
    targets: dict[Subject, set[Subject]] = {}
    for subject, root in after.items():
        targets.setdefault(former[subject], set()).add(root)
    split = {root for found in targets.values() if len(found) > 1 for root in found}
    return Steps(
        groups=[(root, list(graph.group(root).items())) for root in sorted(set(after.values()))],
        aliases=[(subject, root) for subject, root in after.items() if subject != root and former[subject] != root],
        adopted=[(old, min(found)) for old, found in targets.items() if len(found) == 1 and old not in found],
        own=[subject for subject, root in after.items() if subject == root and former[subject] != root],
        dirty=sorted(split),
    )


def do(client: SyncRedis, epoch: int, steps: Steps, settings: Settings) -> None:
    """Does the steps of change `epoch`, or does them again."""
    stamp, day = f"{epoch:015d}", envelope.day_of(time.time())
    calls: list[_Call] = []
    for root, nodes in steps.groups:
        listed = [part for subject, node in nodes for part in (subject, msgspec.json.encode(node))]
        names = [keys.members(root), keys.record(root)]
        calls.append((scripts.ENLIST, names, [stamp, envelope.SPOKEN, day, *listed]))
    calls += [_assign(subject, ["L", stamp, root, day]) for subject, root in steps.aliases]
    run_scripts(client, calls)
    faults.point("graph.do.after_aliases")
    run_scripts(client, [_assign(subject, ["O", stamp, b"", day]) for subject in steps.own])
    mark_dirty(client, [*steps.dirty, *steps.own])
    bounds = [settings.store.tail_limit * tails.WIDTH, envelope.SPOKEN, day]
    _keep_own(client, steps, stamp, bounds)
    _adopt(client, steps.adopted, stamp, bounds)
    faults.point("graph.do.after_adopted")
    run_scripts(client, [_forget(*one, steps.since) for one in zip(steps.erased, steps.tombstones, strict=True)])


def mark_dirty(client: SyncRedis, subjects: Iterable[Subject]) -> None:
    """Has the worker rebuild these customers from the log."""
    pipe = client.pipeline(transaction=False)
    now = time.time_ns() // 1000
    for subject in subjects:
        pipe.zadd(keys.dirty(partition_of(subject)), {subject: now})
    pipe.execute()


def dirty(client: SyncRedis) -> dict[Subject, float]:
    """The customers that are to be rebuilt from the log, each with when that was found (Unix us)."""
    pipe = client.pipeline(transaction=False)
    for partition in range(PARTITIONS):
        pipe.zrange(keys.dirty(Partition(partition)), 0, -1, withscores=True)
    return {Subject(subject): score for found in pipe.execute() for subject, score in found}


def clean(client: SyncRedis, rebuilt: dict[Subject, float]) -> None:
    """Takes customers off those to be rebuilt, unless they were found dirty again meanwhile."""
    marks = [(keys.dirty(partition_of(subject)), subject, score) for subject, score in rebuilt.items()]
    run_scripts(client, [(scripts.CLEAN, [name], [subject, repr(score)]) for name, subject, score in marks])


def drop_held(client: SyncRedis, aliases: Iterable[Subject]) -> None:
    """Drops bases of aliases that are in their customer's base by now."""
    latest = 10 ** (HEAD_BYTES - 1) - 1
    run_scripts(client, [(scripts.DROP, [keys.record(one)], [latest, "base"]) for one in aliases])


def _forget(subject: Subject, tombstone: bytes, since: int) -> _Call:
    partition = partition_of(subject)
    names = [keys.gone(subject, tombstone), keys.erased(partition), keys.long_tails(partition), keys.dirty(partition)]
    gone = [keys.record(subject), keys.members(subject), keys.record(browser_of(subject))]
    return scripts.FORGET, [*names, *gone], [since, subject]


def _assign(subject: Subject, arguments: list[Any]) -> _Call:
    return scripts.ASSIGN, [keys.record(subject), keys.members(subject)], arguments


def _keep_own(client: SyncRedis, steps: Steps, stamp: str, bounds: list[Any]) -> None:
    """What a browser has is copied into its own record, by which it is answered where it proves nothing."""
    of_kind = {subject: node.identity.kind for _, nodes in steps.groups for subject, node in nodes}
    becoming = [old for old, _ in steps.adopted if of_kind.get(old) == ANONYMOUS]
    calls: list[_Call] = []
    for browser, held in _held(client, becoming):
        head = f"L{stamp}"
        arguments = [*bounds, browser, browser_of(browser), head, held.base, *tails.events_of(held.stored)]
        calls.append((scripts.OWN, keys.of_browser(browser), arguments))
    run_scripts(client, calls)


def _adopt(client: SyncRedis, pairs: Sequence[tuple[Subject, Subject]], stamp: str, bounds: list[Any]) -> None:
    """What an alias has goes over to its root: its tail at once, its base when the worker rebuilds."""
    roots = dict(pairs)
    calls: list[_Call] = []
    drops: list[_Call] = []
    for old, held in _held(client, list(roots)):
        root = roots[old]
        waiting = held.graph[HEAD_BYTES + SUBJECT_BYTES :] + (old if held.base else b"")
        if place_of(held.graph).root != root or not (waiting or held.stored):
            continue  # a later change has made it another's, or there is nothing
        partition = partition_of(root)
        names = [keys.record(root), keys.long_tails(partition), keys.dirty(partition), keys.members(root)]
        said = _last_word(client, subjects_in(waiting))
        calls.append((scripts.ADOPT, names, [root, stamp, *bounds, waiting, *said, *tails.events_of(held.stored)]))
        drops.append((scripts.DROP, [keys.record(old)], [stamp, "tail"]))
    run_scripts(client, calls)
    faults.point("graph.adopt.before_delete")
    run_scripts(client, drops)


def _held(client: SyncRedis, subjects: Sequence[Subject]) -> list[tuple[Subject, Envelope]]:
    """What is kept of each of `subjects`."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.get(keys.record(subject))
    return [(subject, envelope.opened(value)) for subject, value in zip(subjects, pipe.execute(), strict=True)]


def _last_word(client: SyncRedis, subjects: Sequence[Subject]) -> tuple[int, int]:
    """What the bases of `subjects` last say on personalisation, and when; at one time a denial counts."""
    heads = [held.base[:_CONSENT_BYTES] for _, held in _held(client, subjects) if held.base]
    words = [(consent_time_of(head), consent_of(head) & (GRANTED | DENIED)) for head in heads]
    time_said, verdict = max((word for word in words if word[1]), default=(0, 0))
    return verdict, time_said
