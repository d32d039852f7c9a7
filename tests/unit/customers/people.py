"""The identity graph as its rules are written, computed anew from a list of edges each time: to compare with."""

from collections.abc import Iterable
from typing import Final

from etappe.customers.identity import MAX_IDENTITIES, Claim, Graph
from etappe.events.identities import Identity, rank
from etappe.ids import Subject, subject_of

SECRET: Final = b"a secret of thirty-two bytes ..."
WEAK: Final = ("anonymous_id", "device")


def subject(identity: Identity) -> Subject:
    """The subject of an identity."""
    return subject_of(SECRET, identity.kind, identity.value)


def claim(one: Identity, other: Identity, cause: str = "e", *, explicit: bool = False) -> Claim:
    """A claim that two identities are one person's."""
    return Claim(subject(one), one, subject(other), other, cause, explicit)


def parts_of(graph: Graph) -> set[frozenset[Identity]]:
    """The customers of a graph."""
    groups = [graph.group(one) for one in graph.nodes]
    return {frozenset(node.identity for node in group.values()) for group in groups}


class People:
    """Who is whom. Everything is derived from `edges`, `apart` and `shared`."""

    def __init__(self) -> None:
        self.edges: list[tuple[Identity, Identity]] = []
        self.apart: set[frozenset[Identity]] = set()
        self.shared: set[Identity] = set()
        self.known: set[Identity] = set()

    def group(self, one: Identity) -> frozenset[Identity]:
        """The customer that an identity belongs to."""
        found = {one}
        while more := {end for edge in self.edges if found & set(edge) for end in edge} - found:
            found |= more
        return frozenset(found)

    def groups(self) -> set[frozenset[Identity]]:
        """All customers."""
        return {self.group(one) for one in self.known}

    def root(self, one: Identity) -> Subject:
        """The subject that the customer of an identity is kept under."""
        return subject(min(self.group(one), key=lambda member: (rank(member.kind), subject(member))))

    def claim(self, one: Identity, other: Identity, *, explicit: bool = False) -> None:
        """What the rules make of a claim."""
        self.known |= {one, other}
        here, there = self.group(one), self.group(other)
        if here == there or {one, other} & self.shared:
            return
        accounts = [any(member.kind == "user_id" for member in part) for part in (here, there)]
        if all(accounts) and not explicit:
            self._share([end for end in (one, other) if end.kind in WEAK])
        elif len(here) + len(there) <= MAX_IDENTITIES and (explicit or not self._forbidden(here, there)):
            self.edges.append((one, other))
            self.apart.discard(frozenset((one, other)))

    def part(self, stays: Identity, goes: Identity) -> None:
        """Takes `goes` out of the customer of `stays`: the last edge on the way to it is cut."""
        if stays == goes or goes not in self.group(stays):
            return
        for edge in self.edges:
            if goes in edge and not self._leads(stays, goes, without=edge):
                self.edges.remove(edge)
                self.apart.add(frozenset(edge))
                return

    def _leads(self, start: Identity, goal: Identity, without: tuple[Identity, Identity]) -> bool:
        rest = People()
        rest.edges = [edge for edge in self.edges if edge != without]
        return goal in rest.group(start)

    def _forbidden(self, here: Iterable[Identity], there: Iterable[Identity]) -> bool:
        return any(frozenset((one, other)) in self.apart for one in here for other in there)

    def _share(self, weak: list[Identity]) -> None:
        weakest = max((rank(end.kind) for end in weak), default=-1)
        shared = {end for end in weak if rank(end.kind) == weakest}
        self.shared |= shared
        self.edges = [edge for edge in self.edges if not set(edge) & shared]
