"""What decides, said in any order, late, again, without ids and by wrong clocks: request, fold, log and rebuild agree."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import polars as pl
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.integration.living import Living
from tests.integration.sameness import same
from tests.unit.customers.people import SECRET
from tests.unit.customers.words import LATE, PAUSE, SKEW, Heard, last_word

from etappe.customers.state import Whole, fold_state
from etappe.events.intake import Accepted, read_event
from etappe.ids import Subject, item_hash, subject_of
from etappe.log import Log
from etappe.settings import Place, Settings, Store, Traffic
from etappe.store.identities import erasure, graph
from etappe.store.identities.linking import Linker
from etappe.store.ingesting import consents
from etappe.store.ingesting.ingest import Outcome, ingest
from etappe.store.logged import history, learning_rows
from etappe.store.records import customers
from etappe.store.server import connection
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.folding import fold_long_tails
from etappe.worker.rebuilding import rebuild_dirty

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL: Final = Settings(store=Store(tail_limit=2), traffic=Traffic(events_per_minute=10**9))
HALF_LIFE: Final = SMALL.learning.half_life_days
WHO: Final = subject_of(SECRET, "user_id", "u")
LISTS: Final = {
    "add_to_cart": ("cart", True),
    "remove_from_cart": ("cart", False),
    "add_to_wishlist": ("wish", True),
    "remove_from_wishlist": ("wish", False),
}
WORDS: Final = st.tuples(st.just("set_consent"), st.booleans(), LATE | st.none(), st.booleans())
OTHERS: Final = st.tuples(st.sampled_from([*LISTS, *LISTS, "view_item", "again", "fold", "archive", "rebuild"]))
STEPS: Final = st.lists(st.tuples(PAUSE, WORDS | OTHERS), max_size=14)


class Shop:
    """A store through which one customer goes, and what ought to be known of them."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.client = connection.blocking_client(place)
        self.client.flushall()
        connection.check(self.client, place)
        self.log = Log(folder)
        self.log.prepare()
        self.now = NOON
        self.heard: list[Heard] = []
        self.has: dict[str, bool] = {}
        self.adds = self.views = self.number = 0
        self.minutes: set[datetime] = set()
        self.named: list[Accepted] = []
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._async = self._runner.run(self._open.enter_async_context(connection.connect_async(place)))

    def close(self) -> None:
        """Gives up all connections."""
        self._runner.run(self._open.aclose())
        self._runner.close()
        self.client.close()

    @property
    def denied(self) -> bool:
        """Whether the last word is a denial."""
        return last_word(self.heard) is False

    def step(self, pause: int, what: tuple[Any, ...]) -> None:
        """One step, so many microseconds after the one before."""
        self.now += timedelta(microseconds=pause)
        match what:
            case ("set_consent", granted, late, named):
                self.say(granted=granted, late=late, named=named)
            case ("fold",):
                fold_long_tails(self.client, SMALL)
            case ("archive",):
                archive(self.client, self.log)
            case ("rebuild",):
                graph.mark_dirty(self.client, [WHO])
                rebuild_dirty(self.client, self.log, SMALL)
            case ("again",):
                for one in self.named:
                    assert self.take(one) is Outcome.DUPLICATE
            case (name,):
                self.do(name)

    def say(self, *, granted: bool, late: int | None, named: bool) -> None:
        """Consent, said `late` microseconds before it arrives, or at no time."""
        said = self.now - timedelta(microseconds=late or 0)
        fields = {"properties": {"personalisation": granted}} | (
            {} if late is None else {"timestamp": said.isoformat()}
        )
        if named:
            self.number += 1
            fields["event_id"] = f"e{self.number}"
        one = self.event("set_consent", **fields)
        assert self.take(one) is Outcome.ACCEPTED
        self.named += [one] if named else []
        self.heard.append(Heard(granted, _micros(said), _micros(self.now)))

    def say_as(self, who: str, *, granted: bool, late: int) -> None:
        """Consent as the browser or as the user, `late` microseconds before it arrives."""
        said = self.now - timedelta(microseconds=late)
        whose = {"anonymous_id": "b"} if who == "browser" else {"user_id": "u"}
        fields = {"event": "set_consent", "properties": {"personalisation": granted}, "timestamp": said.isoformat()}
        self.take(read_event(json.dumps(fields | whose).encode(), self.now))
        self.heard.append(Heard(granted, _micros(said), _micros(self.now)))

    def login(self) -> None:
        """The browser's user is known."""
        one = self.event("login", anonymous_id="b")
        self.take(one)
        linker = Linker(self.client, SECRET, SMALL)
        linker.link(linker.news([one]))

    def do(self, name: str) -> None:
        """Something that is said without id and time, about one item."""
        outcome = self.take(self.event(name, item_id="i"))
        if name == "view_item":
            minute = self.now.replace(second=0, microsecond=0)
            assert outcome is (Outcome.DUPLICATE if minute in self.minutes else Outcome.ACCEPTED)
            self.views += minute not in self.minutes and not self.denied
            self.minutes.add(minute)
            return
        assert outcome is Outcome.ACCEPTED
        if not self.denied:
            what, there = LISTS[name]
            self.has[what] = there
            self.adds += 1

    def event(self, name: str, **fields: Any) -> Accepted:
        """An event of the customer that arrives now."""
        return read_event(json.dumps({"event": name, "user_id": "u"} | fields).encode(), self.now)

    def take(self, one: Accepted) -> Outcome:
        """What a serving process does with an event."""

        async def taken() -> list[Outcome]:
            timed = await consents.timed(RedisPy(self._async), SECRET, [one], self.now, SMALL)
            return await ingest(RedisPy(self._async), SECRET, timed, SMALL)

        return self._runner.run(taken())[0]

    def check(self) -> None:
        """Whether the record says what ought to be known, and the script keeps events as private as it says."""
        state = self.state()
        expected = {None: "unknown", True: "granted", False: "denied"}[last_word(self.heard)]
        assert state.consent == expected
        items = {int(row["item"]): row for row in state.items}
        flags = int(items[item_hash("i")]["flags"]) if item_hash("i") in items else 0
        assert {"cart": bool(flags & 2), "wish": bool(flags & 1)} == {"cart": False, "wish": False} | self.has
        assert int(state.base.totals["views"][0]) == self.views
        spoken = sum(1 for _ in self.heard)
        assert int(state.base.totals["events"][0]) == spoken + self.views + self.adds

    def check_log(self) -> None:
        """Whether log, rebuild and learning say the same as the record."""
        archive(self.client, self.log)
        state, whose = self.state(), history.alone(_series(WHO))
        for past in history.of(self.log, whose, HALF_LIFE, erasure.pending(self.client)):
            same(Whole.of(past.base, HALF_LIFE), state, "u")
        words = learning_rows.said(self.log.events())
        assert words["granted"].to_list() == ([] if not self.heard else [last_word(self.heard)])
        rows = self.log.events().collect()
        assert rows.height == rows["event_id"].n_unique()
        private = rows.filter(rows["subject"].is_null()).height
        assert rows.height - private == len(self.heard) + self.views + self.adds

    def state(self) -> Whole:
        """The customer's state."""
        record = self._runner.run(customers.read(RedisPy(self._async), [WHO]))[0]
        return fold_state(record.base, record.tail, HALF_LIFE)


def _series(subject: Subject) -> pl.Series:
    return pl.Series([subject], dtype=pl.Binary)


def _micros(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


NUMBERS: Final = count()


@given(STEPS)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_decides_is_as_it_was_said(place: Place, tmp_path: Path, steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    """After any steps the record has the last word on consent, cart and wish list, and everything counts once."""
    shop = Shop(place, tmp_path / f"log{next(NUMBERS)}")
    try:
        for pause, what in steps:
            shop.step(pause, what)
            shop.check()
        shop.check_log()
    finally:
        shop.close()


CLOCKS: Final = st.lists(st.tuples(st.sampled_from(["browser", "user"]), st.booleans(), LATE), max_size=6)


@given(CLOCKS, st.integers(0, 6))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_who_withdrew_last_anywhere_is_not_granted(
    place: Place, tmp_path: Path, words: list[tuple[str, bool, int]], at: int
) -> None:
    """Said before and after a browser's login, by either: a denial that came last and not too late is in force.

    So it is at once, and after a rebuild.
    """
    shop = Shop(place, tmp_path / f"log{next(NUMBERS)}")
    try:
        for number, (who, granted, late) in enumerate(words):
            if number == at:
                shop.login()
            shop.now += timedelta(minutes=1)
            shop.say_as(who, granted=granted, late=late)
        shop.login()
        last = max((place for place, one in enumerate(shop.heard) if not one.granted), default=None)
        if last is not None and _is_last(shop.heard, last):
            assert shop.state().consent == "denied"
            shop.step(1, ("rebuild",))
            assert shop.state().consent == "denied"
    finally:
        shop.close()


def _is_last(heard: list[Heard], last: int) -> bool:
    """Whether no grant came after this denial, and it came no later than clocks may be wrong."""
    late = heard[last].arrived - heard[last].said > SKEW
    return not late and not any(one.granted for one in heard[last:])


def test_erased_customers_denial_stays_erased(living: Living) -> None:
    """A denial of before an erasure that comes in behind it is refused as all of before is, and makes nobody known."""
    living.did("1", user_id="u")
    before = datetime.now(UTC) - timedelta(minutes=1)
    living.erase("u")
    said = {"event": "set_consent", "event_id": "2", "user_id": "u", "properties": {"personalisation": False}}
    one = read_event(json.dumps(said | {"timestamp": before.isoformat()}).encode(), datetime.now(UTC))

    async def taken() -> list[Outcome]:
        async with connection.connect_async(living.place) as client:
            timed = await consents.timed(RedisPy(client), living.secret, [one], datetime.now(UTC), living.settings)
            return await ingest(RedisPy(client), living.secret, timed, living.settings)

    assert asyncio.run(taken()) == [Outcome.ERASED]
