"""The steps of customers, operators, the worker and bad luck, as a state machine over a `World`."""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.integration.frail import Crash, Frail, Sleeper, crash
from tests.integration.identity_acts import (
    ACTS,
    AFTER,
    ANYONE,
    BROWSERS,
    CHANGES,
    DAYS,
    PAIR,
    PROCESS,
    SEVERAL,
    TRIO,
    USERS,
)
from tests.integration.world import SMALL, World
from tests.unit.customers.people import claim, subject

from etappe.errors import NotFoundError, StoreUnavailableError
from etappe.events.identities import Identity
from etappe.settings import Place
from etappe.store import keys, scripts
from etappe.store.identities import graph

COUNTED: Final = {"examples": 0, "steps": 0, "events": 0, "states": 0}
"""What all machines have done so far: the size of a run."""


class Machine(RuleBasedStateMachine):
    """Steps of customers, operators, the worker and bad luck."""

    def __init__(self, place: Place, folder: Path) -> None:
        super().__init__()
        self.world = World(place, folder)
        self.broken = False

    @rule(who=SEVERAL, acts=st.lists(st.tuples(ACTS, DAYS), min_size=1, max_size=4), process=PROCESS)
    def happen(self, who: list[Identity], acts: list[Any], process: int) -> None:
        """Somebody does something, some of it long ago."""
        self._mend_if_unsure(who)
        events = [self.world.event(name, who, days, **fields) for (name, fields), days in acts]
        self.world.take(events, process)

    @rule(who=SEVERAL, granted=st.booleans(), days=DAYS)
    def consent(self, who: list[Identity], granted: bool, days: int) -> None:
        """Somebody grants or denies personalisation."""
        self._mend_if_unsure(who)
        said = {"personalisation": granted, "email": not granted}
        self.world.take([self.world.event("set_consent", who, days, properties=said)])

    @rule(pair=PAIR, name=st.sampled_from(["login", "identify", "sign_up"]), process=PROCESS)
    def identify(self, pair: list[Identity], name: str, process: int) -> None:
        """Two identities are named together."""
        self._mend_if_unsure(pair)
        self.world.take([self.world.event(name, pair)], process)

    @rule(who=st.sampled_from(USERS), previous=st.sampled_from([*USERS, *BROWSERS]))
    def alias(self, who: Identity, previous: Identity) -> None:
        """Two identities are said to be one person on purpose."""
        self._mend_if_unsure([who, previous])
        self.world.take([self.world.event("alias", [who], properties={"previous_id": previous.value})])

    @rule(first=st.integers(0, 10**6), process=PROCESS)
    @precondition(lambda self: self.world.sent)
    def again(self, first: int, process: int) -> None:
        """A client sends some of its events again."""
        first %= len(self.world.sent)
        events = self.world.sent[first : first + 3]
        self._mend_if_unsure([one for event in events for one in self.world.named(event)])
        self.world.take(events, process)

    @rule(pair=PAIR)
    def same_id(self, pair: list[Identity]) -> None:
        """One event comes in under two identities, as where a client sends again what it sent before the login."""
        self._mend_if_unsure(pair)
        one = self.world.event("view_item", pair[:1], item_id="i1")
        other = self.world.event(
            "view_item", pair[1:], item_id="i1", event_id=one.event_id, timestamp=one.time.isoformat()
        )
        self.world.take([one])
        self.world.take([other])

    @rule(stays=ANYONE, goes=ANYONE)
    def part(self, stays: Identity, goes: Identity) -> None:
        """Somebody takes an identity out of a customer by hand."""
        if goes not in self.world.people.group(stays) or goes == stays:
            with pytest.raises(NotFoundError):
                self.world.part(stays, goes)
        else:
            self.world.part(stays, goes)
        self.broken = False

    @rule()
    def fold(self) -> None:
        """The worker folds."""
        self.world.fold()

    @rule()
    def archive(self) -> None:
        """The worker archives."""
        self.world.archive()

    @rule()
    def rebuild(self) -> None:
        """The worker rebuilds customers from the log."""
        self.world.rebuild()

    @rule()
    def forget_scripts(self) -> None:
        """The server forgets its scripts."""
        self.world.client.script_flush()

    @rule(kind=CHANGES, pair=TRIO, after=AFTER, begun=st.booleans())
    def die(self, kind: str, pair: list[Identity], after: int, begun: bool) -> None:
        """A process is killed in the middle of a change; its lock lapses."""
        epoch = self._epoch()
        frail = Frail(self.world.client, after, crash, scripts.BEGIN.digest if begun else None)
        with suppress(Crash, NotFoundError):
            self._change(frail, kind, pair)
        self.world.client.delete(keys.IDENTITY_LOCK)
        self._apply_where_begun(epoch, kind, pair)
        self.broken = self.world.client.exists(keys.IDENTITY_INTENT) == 1

    @rule()
    def recover(self) -> None:
        """The worker finishes what was left undone."""
        self._recover()

    @rule(
        kind=CHANGES,
        trio=TRIO,
        after=AFTER,
        begun=st.booleans(),
        other=CHANGES,
        whose=st.sampled_from([(0, 1), (0, 2), (1, 2), (2, 1)]),
        meanwhile=st.booleans(),
    )
    def oversleep(
        self,
        kind: str,
        trio: list[Identity],
        after: int,
        begun: bool,
        other: str,
        whose: tuple[int, int],
        meanwhile: bool,
    ) -> None:
        """A process falls asleep in the middle of a change, beyond its lock; others go on; it wakes up and goes on."""
        self._recover()
        pair, others = trio[:2], [trio[place] for place in whose]
        epoch = self._epoch()
        behind = scripts.BEGIN.digest if begun else None
        sleeper = Sleeper(self.world.client, after, behind, lambda client: self._change(client, kind, pair))
        if sleeper.asleep:
            had_lock = self.world.client.delete(keys.IDENTITY_LOCK) == 1
            began = self._apply_where_begun(epoch, kind, pair)
            epoch = self._epoch()
            try:
                self._change(self.world.client, other, others)
            except NotFoundError:
                self._recover()
            self._apply_where_begun(epoch, other, others)
            if meanwhile:
                self._worker_round()
            epoch = self._epoch()
            error = sleeper.wake()
            assert error is None or isinstance(error, StoreUnavailableError | NotFoundError)
            if began or had_lock:
                assert self._epoch() == epoch, "who lost the lock has changed something"
            else:
                self._apply_where_begun(epoch, kind, pair)
        else:
            self._apply_where_begun(epoch, kind, pair)
        self.world.client.delete(keys.IDENTITY_LOCK)
        self._recover()

    @invariant()
    def read_your_writes(self) -> None:
        """Of every customer that nothing was taken from, the store has all, before the worker did anything."""
        COUNTED["steps"] += 1
        if not self.broken:
            for group in self.world.people.groups():
                if not group & self.world.unsure:
                    self.world.check(group)

    def teardown(self) -> None:
        """After the worker's round every customer is exactly who the log says, and the log has everything."""
        try:
            self._recover()
            self._worker_round()
            assert not self.world.unsure
            for group in self.world.people.groups():
                self.world.check(group)
            self.world.archive()
            self.world.check_log()
            self.world.check_graph()
        finally:
            COUNTED["states"] += self.world.checked
            COUNTED["events"] += len(self.world.sent)
            COUNTED["examples"] += 1
            self.world.close()

    def _change(self, client: Any, kind: str, pair: list[Identity]) -> None:
        one, other = pair[:2]
        if kind == "part":
            graph.part(client, subject(one), subject(other), "by hand", SMALL)
        else:
            graph.link(client, [claim(one, other, explicit=kind == "alias")], SMALL)

    def _apply_where_begun(self, epoch: int, kind: str, pair: list[Identity]) -> bool:
        """Tells the model of a change that was journalled after change number `epoch`."""
        if self._epoch() == epoch:
            return False
        before = self.world.people.group(pair[0])
        if kind == "part":
            self.world.people.part(*pair[:2])
            self.world.unsure |= before
        else:
            self.world.apply([(pair[0], pair[1], kind == "alias")])
        return True

    def _epoch(self) -> int:
        value: Any = self.world.client.get(keys.IDENTITY_EPOCH)
        return int(value or 0)

    def _recover(self) -> None:
        self.world.recover()
        self.broken = False

    def _worker_round(self) -> None:
        self.world.archive()
        self.world.fold()
        for _ in range(3):
            self.world.rebuild()

    def _mend_if_unsure(self, who: list[Identity]) -> None:
        """Where a denial is involved, what became of an event depends on how far the worker has come: not modelled."""
        world = self.world
        denial = any(world.denied(group) for group in world.people.groups())
        if denial and (self.broken or world.unsure):
            self._recover()
            self._worker_round()
        elif self.broken:
            self._recover()
