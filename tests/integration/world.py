"""A store, and beside it what it ought to hold: every event once, and customers by a naive reading of the rules."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.integration.sameness import node_of, same
from tests.unit.customers.people import SECRET, People, subject

from etappe.customers import records
from etappe.customers.state import fold_state
from etappe.customers.stated.consent import DENIED, verdict_of
from etappe.errors import StoreUnavailableError
from etappe.events.identities import ANONYMOUS, EMAIL, ORDER_EMAIL, USER, Identity, rank
from etappe.events.intake import Accepted, read_event
from etappe.events.traffic import flag_of
from etappe.ids import Subject
from etappe.log import Log
from etappe.settings import Place, Settings, Store, Traffic
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.identities.linking import Linker
from etappe.store.ingesting.ingest import Aliases, Outcome, ingest
from etappe.store.logged import replay
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild_dirty

NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
SMALL: Final = Settings(store=Store(tail_limit=2), traffic=Traffic(events_per_minute=10**9))
HALF_LIFE: Final = SMALL.learning.half_life_days
PROCESSES: Final = 2
SET_CONSENT: Final = "set_consent"


class World:
    """The store of `place`, emptied, with several serving processes and a worker, and the model of it."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.client = connection.blocking_client(place)
        self.client.flushall()
        connection.check(self.client, place)
        self.log = Log(folder)
        self.log.prepare()
        self.people = People()
        self.logged: dict[tuple[Subject, str], Accepted] = {}
        self.nobodys: set[str] = set()
        self.sent: list[Accepted] = []
        self.unsure: set[Identity] = set()
        self.merged: set[Identity] = set()
        self.checked = 0
        self._aliases = [Aliases() for _ in range(PROCESSES)]
        self._linkers = [Linker(self.client, SECRET, SMALL) for _ in range(PROCESSES)]
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._async = self._runner.run(self._open.enter_async_context(connection.connect_async(place)))

    def close(self) -> None:
        """Gives up all connections."""
        self._runner.run(self._open.aclose())
        self._runner.close()
        self.client.close()

    def event(self, name: str, who: Sequence[Identity], days: int = 0, **fields: Any) -> Accepted:
        """An event of `who`; no two happen at one moment."""
        number = len(self.sent)
        time = NOW - timedelta(days=days) + timedelta(microseconds=number)
        given: dict[str, Any] = {"event_id": f"e{number}", "event": name, "timestamp": time.isoformat()} | fields
        given |= {one.kind: one.value for one in who if one.kind in (USER, ANONYMOUS)}
        others = {one.kind: one.value for one in who if one.kind not in (USER, ANONYMOUS)}
        if others:
            given["properties"] = (given.get("properties") or {}) | {"identities": others}
        made = read_event(json.dumps(given).encode(), NOW)
        self.sent.append(made)
        return made

    def take(self, events: Sequence[Accepted], process: int = 0) -> list[Outcome]:
        """Accepts events as a serving process does, and tells the model; sends them again after a change broke off."""
        try:
            outcomes = self._runner.run(ingest(RedisPy(self._async), SECRET, events, SMALL, self._aliases[process]))
        except StoreUnavailableError:
            self.recover()
            outcomes = self._runner.run(ingest(RedisPy(self._async), SECRET, events, SMALL, self._aliases[process]))
            self._note(events, None)
        else:
            self._note(events, outcomes)
        self.link(events, process)
        return outcomes

    def link(self, events: Sequence[Accepted], process: int = 0) -> None:
        """Links what events claim."""
        linker = self._linkers[process]
        claims = self.claims(events)
        linker.link(linker.news(events))
        self.apply(claims)

    def claims(self, events: Sequence[Accepted]) -> list[tuple[Identity, Identity, bool]]:
        """What events say about who is whom, and whether on purpose."""
        found: list[tuple[Identity, Identity, bool]] = []
        for one in events:
            who = self.named(one)
            found += [(who[0], other, False) for other in who[1:]]
            found += [(Identity(EMAIL, other.value), other, False) for other in who if other.kind == ORDER_EMAIL]
            previous = (one.event.properties or {}).get("previous_id")
            if previous and previous not in (one.event.user_id, one.event.anonymous_id):
                former = [Identity(kind, previous) for kind in (USER, ANONYMOUS)]
                heard_of = [other for other in former if self._linkers[0]._known(subject(other))]
                found += [(who[0], other, other.kind == USER) for other in heard_of or former]
        return [(one, other, explicit) for one, other, explicit in found if one != other]

    def apply(self, claims: Iterable[tuple[Identity, Identity, bool]]) -> None:
        """Tells the model what was claimed, and notes of which customers the store is not sure until a rebuild."""
        for one, other, explicit in claims:
            before = self.people.group(one) | self.people.group(other)
            shared = set(self.people.shared)
            twice = self._ids(self.people.group(one)) & self._ids(self.people.group(other))
            self.people.claim(one, other, explicit=explicit)
            if shared != self.people.shared:
                self.unsure |= before
            elif self.people.group(one) >= before:
                self.merged |= before
                self.unsure |= before if twice else set()

    def part(self, stays: Identity, goes: Identity) -> None:
        """Takes an identity out of a customer."""
        graph.part(self.client, subject(stays), subject(goes), "by hand", SMALL)
        self.unsure |= self.people.group(stays)
        self.people.part(stays, goes)

    def archive(self) -> None:
        """What the worker does first."""
        archive(self.client, self.log)

    def fold(self) -> None:
        """What the worker does with long tails."""
        fold_long_tails(self.client, SMALL)

    def recover(self) -> None:
        """What the worker does where a change was left undone, once the lock of its process has lapsed."""
        self.client.delete(keys.IDENTITY_LOCK)
        graph.recover(self.client, SMALL)

    def rebuild(self) -> None:
        """What the worker does with customers it is not sure of."""
        rebuild_dirty(self.client, self.log, SMALL)
        if self.client.exists(keys.IDENTITY_INTENT):
            return  # a change was broken off before it marked whom it makes dirty
        left = set(graph.dirty(self.client))
        self.unsure = {one for one in self.unsure if self.people.root(one) in left}
        self.merged = {one for one in self.merged if self.people.root(one) in left}

    def named(self, one: Accepted) -> list[Identity]:
        """The identities an event names, surest first."""
        event = one.event
        found = [Identity(USER, event.user_id or ""), Identity(ANONYMOUS, event.anonymous_id or "")]
        found += [Identity(*pair) for pair in ((event.properties or {}).get("identities") or {}).items()]
        return sorted((one for one in found if one.value), key=lambda one: (rank(one.kind), one.value))

    def events_of(self, group: Iterable[Identity]) -> list[Accepted]:
        """What the log has of a customer, in order of arrival, each event once."""
        mine = {subject(one) for one in group}
        found: dict[str, Accepted] = {}
        for (whose, event_id), one in self.logged.items():
            if whose in mine:
                found.setdefault(event_id, one)
        return list(found.values())

    def _ids(self, group: Iterable[Identity]) -> set[str]:
        return {one.event_id for one in self.events_of(group)}

    def denied(self, group: Iterable[Identity]) -> bool:
        """Whether the last word of a customer on personalisation was no."""
        said = [
            (one.time, verdict_of(one.event.properties or {}))
            for one in self.events_of(group)
            if _tag(one) == SET_CONSENT
        ]
        return max([word for word in said if word[1]], default=(NOW, 0))[1] == DENIED

    def _note(self, events: Sequence[Accepted], outcomes: list[Outcome] | None) -> None:
        """Tells the model what was taken. Without `outcomes` it is what is new."""
        for place, one in enumerate(events):
            owner = self.named(one)[0]
            group = self.people.group(owner)
            known = one.event_id in self._ids(group)
            if outcomes is None and known:
                continue
            if outcomes is not None and outcomes[place] is Outcome.ACCEPTED and known:
                assert flag_of(one.event) or group & (self.unsure | self.merged), "an event was taken twice"
                self.unsure |= group
            elif outcomes is not None and outcomes[place] is Outcome.DUPLICATE:
                assert known or one.event_id in self.nobodys or group & self.unsure, "an event was refused"
                continue
            if self.denied(group) and _tag(one) != SET_CONSENT:
                self.nobodys.add(one.event_id)
            else:
                self.logged.setdefault((subject(owner), one.event_id), one)

    def check(self, group: frozenset[Identity]) -> None:
        """Whether each identity of a customer is answered with all that the customer did, and nothing else."""
        events = [one for one in self.events_of(group) if flag_of(one.event) is None]
        tail = b"".join(records.encode(one.event, one.event_id, one.time) for one in events)
        expected = fold_state(b"", tail, HALF_LIFE)
        asked = sorted(group)
        found = self._runner.run(customers.read(RedisPy(self._async), [subject(one) for one in asked]))
        for identity, record in zip(asked, found, strict=True):
            same(fold_state(record.base, record.tail, HALF_LIFE), expected, f"{identity} of {asked}")
            self.checked += 1

    def check_log(self) -> None:
        """Whether the log has every event once, and of those who denied consent no identity."""
        rows = self.log.events().select("subject", "event_id", "user_id", "properties", "flag").collect().rows()
        known = [row[:2] for row in rows if row[0] is not None]
        assert len(known) == len(set(known))
        assert {(Subject(whose), event_id) for whose, event_id in known} == set(self.logged)
        assert {row[1:4] for row in rows if row[0] is None} == {(event_id, None, None) for event_id in self.nobodys}
        flags = {(row[0], row[1]): row[4] for row in rows}
        assert all(flags[key] == flag_of(one.event) for key, one in self.logged.items())

    def check_graph(self) -> None:
        """Whether Redis has the customers of the model, and the log's journal the very same graph."""
        told = replay.identities(self.log, SECRET).graph
        roots = graph.roots(self.client, [subject(one) for one in self.people.known])
        assert {subject(one): self.people.root(one) for one in self.people.known} == roots
        assert told.roots() == roots
        for root, held in graph.groups(self.client, sorted(set(roots.values()))).items():
            assert {one: node_of(node) for one, node in held.items()} == {
                one: node_of(node) for one, node in told.group(root).items()
            }


def _tag(one: Accepted) -> str:
    return str(one.event.__struct_config__.tag)
