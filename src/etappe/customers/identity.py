"""The graph of identities: which subjects are one customer, why, and what changes when something new is claimed.

Subjects are nodes, accepted claims are edges, and a customer is a connected part; edges are kept only between parts
that were apart, so each part is a tree and taking an edge out gives back exactly the two parts it joined. The rules:

1. A claim joins two parts unless both have a `user_id`: two accounts become one customer by an explicit `alias` only.
2. Where a claim would join two accounts over an identity that several people may use (a browser, a device), that
   identity is shared from then on: its edges go, it is nobody's, and no claim links it again. Over any other identity,
   the account that had it first keeps it.
3. What was taken apart by hand stays apart, unless an `alias` joins it.
4. A part has at most MAX_IDENTITIES nodes; claims that go beyond are refused.

The customer's own subject (the root) is the surest identity of the part, ties by the smallest subject.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from etappe.events.identities import SHARED_EASILY, USER, Identity, rank
from etappe.ids import Subject

MAX_IDENTITIES: Final = 500
LINK: Final = "link"
UNLINK: Final = "unlink"
SHARE: Final = "share"
NAME: Final = "name"
ERASE: Final = "erase"
"""Actions of the journal: an edge, its end, a subject that is shared, what a subject stands for, a tombstone."""


class Edge(msgspec.Struct, frozen=True):
    """Why a subject belongs with `other`: the event or request that claimed it, and when (Unix ms)."""

    other: Subject
    cause: str
    since: int


class Node(msgspec.Struct, frozen=True):
    """A subject in the graph. Each edge is kept at both ends; `apart` are subjects it was taken apart from by hand."""

    identity: Identity
    edges: tuple[Edge, ...] = ()
    apart: tuple[Subject, ...] = ()
    shared: bool = False


class Claim(msgspec.Struct, frozen=True):
    """Somebody says that two identities are one person.

    `explicit` where it is said of two accounts on purpose, `guessed` where `other`'s kind is one of several it may be;
    `moment` is when it was said (Unix ms), where that is known.
    """

    one: Subject
    one_is: Identity
    other: Subject
    other_is: Identity
    cause: str
    explicit: bool = False
    guessed: bool = False
    moment: int | None = None


class Change(msgspec.Struct, frozen=True):
    """One row of the journal. For LINK and UNLINK `customer` is the other end of the edge."""

    action: str
    subject: Subject
    customer: Subject | None = None
    kind: str | None = None
    value: str | None = None
    cause: str | None = None


Group = dict[Subject, Node]


def root_of(group: Group) -> Subject:
    """The subject a customer's record is kept under."""
    return min(group, key=lambda subject: (rank(group[subject].identity.kind), subject))


class Graph:
    """A part of the graph in memory: whole customers, changed by claims. `changes` is what the journal gets."""

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self.nodes: Group = {}
        for group in groups:
            self.nodes.update(group)
        self.changes: list[Change] = []

    def group(self, subject: Subject) -> Group:
        """All nodes connected with `subject`, itself first."""
        found: Group = {}
        waiting = [subject]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found[one] = self.nodes[one]
                waiting += [edge.other for edge in self.nodes[one].edges]
        return found

    def roots(self) -> dict[Subject, Subject]:
        """The root of each node."""
        found: dict[Subject, Subject] = {}
        for subject in self.nodes:
            if subject not in found:
                group = self.group(subject)
                found |= dict.fromkeys(group, root_of(group))
        return found

    def claim(self, claim: Claim, now: int) -> bool:
        """Links what `claim` says where the rules allow it; whether anything changed. `now` is Unix ms."""
        before = len(self.changes)
        self._name(claim.one, claim.one_is)
        self._name(claim.other, claim.other_is)
        one, other = self.group(claim.one), self.group(claim.other)
        if claim.other not in one and not (self.nodes[claim.one].shared or self.nodes[claim.other].shared):
            self._join(claim, one, other, now)
        return len(self.changes) > before

    def part(self, subject: Subject, other: Subject, cause: str) -> bool:
        """Takes `other` (with what hangs on it) out of the customer of `subject`; False where it is not in it."""
        towards = self._towards(subject, other)
        if towards is None:
            return False
        self._cut(other, towards, cause)
        for end, far in ((other, towards), (towards, other)):
            node = self.nodes[end]
            self.nodes[end] = msgspec.structs.replace(node, apart=(*node.apart, far))
        return True

    def forget(self, subjects: Iterable[Subject]) -> None:
        """Takes nodes out with their edges, for erasure: the journal gets tombstones instead."""
        gone = set(subjects)
        self.nodes = {
            subject: msgspec.structs.replace(node, edges=tuple(edge for edge in node.edges if edge.other not in gone))
            for subject, node in self.nodes.items()
            if subject not in gone
        }

    def apply(self, change: Change, since: int) -> None:
        """What a row of the journal says, as it was decided then."""
        if change.action == NAME and change.kind and change.value:
            self.nodes.setdefault(change.subject, Node(Identity(change.kind, change.value)))
        elif change.subject in self.nodes:
            self._apply(change, since)

    def _apply(self, change: Change, since: int) -> None:
        node, other = self.nodes[change.subject], change.customer
        if change.action == SHARE:
            self.nodes[change.subject] = msgspec.structs.replace(node, shared=True)
        elif other in self.nodes and change.action == LINK:
            self._connect(change.subject, other, change.cause or "", since)
        elif other in self.nodes and change.action == UNLINK:
            self._disconnect(change.subject, other)
            if change.kind == BY_HAND:
                for end, far in ((change.subject, other), (other, change.subject)):
                    held = self.nodes[end]
                    self.nodes[end] = msgspec.structs.replace(held, apart=(*held.apart, far))

    def _name(self, subject: Subject, identity: Identity) -> None:
        if subject not in self.nodes:
            self.nodes[subject] = Node(identity)
            self.changes.append(Change(NAME, subject, kind=identity.kind, value=identity.value))

    def _join(self, claim: Claim, one: Group, other: Group, now: int) -> None:
        if not claim.explicit:
            if _has_account(one) and _has_account(other):
                self._share(claim)
                return
            if any(far in other for node in one.values() for far in node.apart):
                return
        if len(one) + len(other) > MAX_IDENTITIES:
            return
        self._connect(claim.one, claim.other, claim.cause, now)
        self.changes.append(Change(LINK, claim.one, claim.other, cause=claim.cause))

    def _share(self, claim: Claim) -> None:
        """The end of the claim that is shared most easily is nobody's from now on."""
        ends = [(claim.one, claim.one_is.kind), (claim.other, claim.other_is.kind)]
        weak = [(subject, kind) for subject, kind in ends if kind in SHARED_EASILY]
        weakest = max((rank(kind) for _, kind in weak), default=None)
        for subject, kind in weak:
            if rank(kind) == weakest:
                for edge in self.nodes[subject].edges:
                    self._cut(subject, edge.other, claim.cause, by_hand=False)
                self.nodes[subject] = msgspec.structs.replace(self.nodes[subject], shared=True)
                self.changes.append(Change(SHARE, subject, cause=claim.cause))

    def _cut(self, subject: Subject, other: Subject, cause: str, *, by_hand: bool = True) -> None:
        self._disconnect(subject, other)
        self.changes.append(Change(UNLINK, subject, other, kind=BY_HAND if by_hand else None, cause=cause))

    def _connect(self, one: Subject, other: Subject, cause: str, since: int) -> None:
        for end, far in ((one, other), (other, one)):
            node = self.nodes[end]
            apart = tuple(subject for subject in node.apart if subject != far)
            edges = (*node.edges, Edge(far, cause, since))
            self.nodes[end] = msgspec.structs.replace(node, edges=edges, apart=apart)

    def _disconnect(self, one: Subject, other: Subject) -> None:
        for end, far in ((one, other), (other, one)):
            edges = tuple(edge for edge in self.nodes[end].edges if edge.other != far)
            self.nodes[end] = msgspec.structs.replace(self.nodes[end], edges=edges)

    def _towards(self, start: Subject, goal: Subject) -> Subject | None:
        """The neighbour of `goal` on the way from `start`; None where there is no way, or none is needed."""
        for before, subject in self._walk(start):
            if subject == goal:
                return before
        return None

    def _walk(self, start: Subject) -> Iterator[tuple[Subject, Subject]]:
        """The edges away from `start`, nearest first."""
        waiting, seen = [start], {start}
        while waiting:
            one = waiting.pop(0)
            for edge in self.nodes[one].edges:
                if edge.other not in seen:
                    seen.add(edge.other)
                    waiting.append(edge.other)
                    yield one, edge.other


BY_HAND: Final = "by_hand"
"""What an UNLINK row has for its kind where people took the two apart."""


def _has_account(group: Group) -> bool:
    return any(node.identity.kind == USER for node in group.values())
