"""Whose a subject is, as Redis has it: the keys that `identities.graph` writes, read.

- The graph part of a record (`envelope`) is L, epoch, root: an alias of that customer; or O, epoch, subjects: a
  customer of its own, whose record is to be joined with the bases of those subjects until the worker has rebuilt it
  from the log.
- `members:ROOT` has by subject the node of each identity of the customer, in the field `epoch` from which change it is.
  The ingest script asks it for events that come under another subject than the customer's, and for no others.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from etappe.customers.identity import Group, Node
from etappe.ids import SUBJECT_BYTES, Subject
from etappe.store import keys
from etappe.store.records import envelope
from etappe.store.server.connection import SyncRedis

_GRAPH_BYTES: Final = 16 * 1024
"""Of a value: more than a graph part takes."""
HEAD_BYTES: Final = 16
"""Of a graph value: kind and epoch."""
_NODE = msgspec.json.Decoder(Node)


class Place(msgspec.Struct, frozen=True):
    """What a graph value says of a subject: the root it is an alias of, or the subjects whose bases it waits for."""

    root: Subject | None = None
    waiting: tuple[Subject, ...] = ()


def place_of(value: bytes | None) -> Place:
    """A graph value as read from Redis."""
    if not value:
        return Place()
    rest = value[HEAD_BYTES:]
    if value[:1] == b"L":
        return Place(root=Subject(rest[:SUBJECT_BYTES]))
    return Place(waiting=subjects_in(rest))


def subjects_in(joined: bytes) -> tuple[Subject, ...]:
    """Subjects that were written one behind the other."""
    return tuple(Subject(joined[at : at + SUBJECT_BYTES]) for at in range(0, len(joined), SUBJECT_BYTES))


def places(client: SyncRedis, subjects: Sequence[Subject]) -> dict[Subject, Place]:
    """What the graph says of each of `subjects`."""
    pipe = client.pipeline(transaction=False)
    for subject in subjects:
        pipe.getrange(keys.record(subject), 0, _GRAPH_BYTES - 1)
    return {
        subject: place_of(envelope.graph_of(value)) for subject, value in zip(subjects, pipe.execute(), strict=True)
    }


def roots(client: SyncRedis, subjects: Sequence[Subject]) -> dict[Subject, Subject]:
    """The customer of each of `subjects`: itself where it is nobody's alias."""
    return {subject: place.root or subject for subject, place in places(client, subjects).items()}


def groups(client: SyncRedis, customers: Sequence[Subject]) -> dict[Subject, Group]:
    """The identities of each of `customers` (roots); empty where nothing was ever claimed of one."""
    pipe = client.pipeline(transaction=False)
    for customer in customers:
        pipe.hgetall(keys.members(customer))
    found: dict[Subject, Group] = {}
    for customer, fields in zip(customers, pipe.execute(), strict=True):
        nodes = {name: node for name, node in fields.items() if len(name) == SUBJECT_BYTES}
        found[customer] = {Subject(name): _NODE.decode(node) for name, node in nodes.items()}
    return found
