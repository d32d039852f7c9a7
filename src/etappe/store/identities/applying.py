"""What brings Redis up to a change of the identity graph: steps that may be done again, and undo nothing later."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from etappe import faults
from etappe.customers import tails
from etappe.customers.base import consent_of, consent_time_of
from etappe.customers.consent import DENIED, GRANTED
from etappe.customers.identity import Graph, Node
from etappe.events.identities import ANONYMOUS
from etappe.ids import PARTITIONS, SUBJECT_BYTES, Partition, Subject, browser_of, partition_of
from etappe.settings import Settings
from etappe.store import keys, scripts
from etappe.store.connection import SyncRedis, run_script, run_scripts
from etappe.store.identities.roots import HEAD_BYTES, place_of, subjects_in
from etappe.store.scripts import Script

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
    stamp, ttl = f"{epoch:015d}", settings.store.customer_seconds
    calls: list[_Call] = []
    for root, nodes in steps.groups:
        listed = [part for subject, node in nodes for part in (subject, msgspec.json.encode(node))]
        calls.append((scripts.ENLIST, [keys.members(root), keys.graph(root)], [stamp, ttl, *listed]))
    calls += [_assign(subject, ["L", stamp, root, ttl]) for subject, root in steps.aliases]
    run_scripts(client, calls)
    faults.point("graph.do.after_aliases")
    run_scripts(client, [_assign(subject, ["O", stamp, b"", ttl]) for subject in steps.own])
    mark_dirty(client, [*steps.dirty, *steps.own])
    bounds = [settings.store.tail_limit * tails.WIDTH, ttl]
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
    run_scripts(client, [(scripts.DROP, [keys.graph(one), keys.base(one)], [latest]) for one in aliases])


def _forget(subject: Subject, tombstone: bytes, since: int) -> _Call:
    partition = partition_of(subject)
    names = [keys.gone(subject, tombstone), keys.long_tails(partition), keys.dirty(partition)]
    what = (keys.base, keys.tail, keys.graph, keys.members, keys.seen, keys.rate)
    own = browser_of(subject)
    gone = [*(name(subject) for name in what), keys.base(own), keys.tail(own)]
    return scripts.FORGET, [*names, *gone], [since, subject]


def _assign(subject: Subject, arguments: list[Any]) -> _Call:
    names = [keys.graph(subject), keys.members(subject), keys.base(subject), keys.tail(subject)]
    return scripts.ASSIGN, names, arguments


def _keep_own(client: SyncRedis, steps: Steps, stamp: str, bounds: list[Any]) -> None:
    """What a browser has is copied into its own record, by which it is answered where it proves nothing."""
    of_kind = {subject: node.identity.kind for _, nodes in steps.groups for subject, node in nodes}
    becoming = [old for old, _ in steps.adopted if of_kind.get(old) == ANONYMOUS]
    pipe = client.pipeline(transaction=False)
    for browser in becoming:
        pipe.mget(keys.base(browser), keys.tail(browser))
    for browser, (base, tail) in zip(becoming, pipe.execute(), strict=True):
        arguments = [*bounds, browser, browser_of(browser), f"L{stamp}", base or b"", *tails.events_of(tail or b"")]
        run_script(client, scripts.OWN, keys.of_browser(browser), arguments)


def _adopt(client: SyncRedis, pairs: Sequence[tuple[Subject, Subject]], stamp: str, bounds: list[Any]) -> None:
    """What an alias has goes over to its root: its tail at once, its base when the worker rebuilds."""
    pipe = client.pipeline(transaction=False)
    for old, _ in pairs:
        pipe.mget(keys.base(old), keys.tail(old), keys.graph(old))
    for (old, root), (base, tail, value) in zip(pairs, pipe.execute(), strict=True):
        waiting = (value or b"")[HEAD_BYTES + SUBJECT_BYTES :] + (old if base else b"")
        if place_of(value).root != root or not (waiting or tail):
            continue  # a later change has made it another's, or there is nothing
        names = [keys.base(root), keys.tail(root), keys.graph(root)]
        names += [keys.long_tails(partition_of(root)), keys.dirty(partition_of(root)), keys.members(root)]
        said = _last_word(client, subjects_in(waiting))
        records = tails.events_of(tail or b"")
        run_script(client, scripts.ADOPT, names, [root, stamp, *bounds, waiting, *said, *records])
        faults.point("graph.adopt.before_delete")
        run_script(client, scripts.DROP, [keys.graph(old), keys.tail(old)], [stamp])


def _last_word(client: SyncRedis, subjects: Sequence[Subject]) -> tuple[int, int]:
    """What the bases of `subjects` last say on personalisation, and when; at one time a denial counts."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.getrange(keys.base(subject), 0, _CONSENT_BYTES - 1)
    words = [(consent_time_of(head), consent_of(head) & (GRANTED | DENIED)) for head in pipe.execute() if head]
    time_said, verdict = max((word for word in words if word[1]), default=(0, 0))
    return verdict, time_said
