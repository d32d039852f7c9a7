"""What the routes share: the replica, the store's connections, and the way of one decision through them."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import redis

from etappe.api import metrics, replays
from etappe.api.memory import MemoryWatch
from etappe.api.replays import Replays
from etappe.api.replica import Replica
from etappe.customers.state import State
from etappe.errors import DataError, GenerationError, SettingsError, StoreUnavailableError
from etappe.events.identities import ANONYMOUS
from etappe.events.intake import Accepted
from etappe.ids import Subject, subject_of
from etappe.serving import record
from etappe.serving.decide import Decision, decide, state_of
from etappe.serving.replay import replayed
from etappe.serving.request import DecideRequest
from etappe.settings import Place, Settings
from etappe.store import browsers, consents, customers, journal, keys
from etappe.store.answers import Kept
from etappe.store.connection import AsyncRedis, SyncRedis
from etappe.store.customers import CustomerRecord
from etappe.store.decisions import DecisionWriter, Recorded
from etappe.store.identities.linking import Linker
from etappe.store.ingest import Aliases, Outcome, ingest
from etappe.store.marks import REMEDY, Standing

_ENCODER: Final = msgspec.json.Encoder()
_log = logging.getLogger("etappe.api")


class Service:
    """One serving process."""

    def __init__(
        self, client: AsyncRedis, blocking: SyncRedis, place: Place, settings: Settings, standing: Standing
    ) -> None:
        self.client = client
        self.blocking = blocking
        self.place = place
        self.settings = settings
        self.standing = standing
        self.replica = Replica(client, place, settings, self.standing)
        self.decisions = DecisionWriter(
            client, settings.store.decision_buffer, settings.store.decision_stream, held=self._refused
        )
        self.ready = False
        self.warning: str | None = None
        self.memory = MemoryWatch(client)
        self.secret = standing.secret
        self._aliases = Aliases()
        self._linker = Linker(blocking, standing.secret, settings)
        self._digest = settings.digest()
        self.replays = Replays(client, settings)
        self._budget = settings.store.budget_ms / 1000
        self.zone = _zone(settings.catalogue.time_zone)

    async def take(self, events: Sequence[Accepted], linking: Sequence[Accepted] | None = None) -> list[Outcome]:
        """Accepts events: they are durable and count at once. `linking` (default: all) may say who is whom.

        Raises:
            StoreUnavailableError: Redis does not answer, or identities are being changed all the time; send them again.
            GenerationError: Redis has lost what it had; nothing is taken until it is rebuilt.
        """
        judged = await browsers.judge(self.client, self.secret, events)
        outcomes = await ingest(self.client, self.secret, judged.events, self.settings, self._aliases, self.standing)
        await browsers.keep(self.client, self.secret, judged, outcomes, self.settings)
        gone = {one.event_id for one, what in zip(events, outcomes, strict=True) if what is Outcome.ERASED}
        telling = events if linking is None else linking
        claims = self._linker.news(one for one in telling if one.event_id not in gone)
        if claims:
            await asyncio.to_thread(self._linker.link, claims)
        return outcomes

    async def with_consent_timed(self, events: Sequence[Accepted], arrived: datetime) -> list[Accepted]:
        """`events` in which each `set_consent` has the time from which it counts."""
        return await consents.timed(self.client, self.secret, events, arrived, self.settings)

    async def keep_current(self) -> bool:
        """Whether keys and catalogue are up to date, brought up to it where need be."""
        return await self.replica.keep_current(self._budget)

    async def be_current(self) -> None:
        """Returns when keys and catalogue are up to date.

        Raises:
            StoreUnavailableError: Redis cannot be asked.
            GenerationError: it has lost what it had.
        """
        if not await self.keep_current():
            self.refuse()
            raise StoreUnavailableError("Redis does not answer; try again")

    def refuse(self) -> None:
        """Does nothing where Redis is the one that was left, as far as is known.

        Raises:
            GenerationError: it has lost what it had.
        """
        if (reason := self.standing.reason) is not None:
            raise GenerationError(f"{reason}; {REMEDY}")

    async def stand(self) -> None:
        """Asks Redis whether it is the one that was left: before a change that no script holds against the mark.

        Raises:
            GenerationError: it has lost what it had.
        """
        await self.be_current()
        for name in (keys.CONFIG_MARK, keys.IDENTITY_MARK):
            self.standing.check(name, await self.client.get(name))

    async def journal(self, kind: str, payload: object) -> str:
        """Journals a change and returns its position.

        Raises:
            GenerationError: Redis has lost what it had; nothing is journalled.
        """
        least = self.standing.expected(keys.CONFIG_MARK)
        position = await journal.append_async(self.client, kind, payload, least)
        if position is None:
            await self.stand()
            raise StoreUnavailableError("Redis was changed under the request; send the same again")
        return position

    def _refused(self) -> bool:
        return self.standing.reason is not None

    def subject(self, kind: str, value: str) -> Subject:
        """The subject of an identity."""
        return subject_of(self.secret, kind, value)

    async def decide(self, request: DecideRequest, *, proven: bool = True) -> bytes:
        """The answer to `request`, encoded: one read, then computing, the rest behind the answer.

        Where it is not `proven` who asks, a browser that is linked to an account is answered by its own record.
        """
        began = time.perf_counter()
        repeatable = replays.key_of(request, proven=proven)
        subjects = self._subjects(request, repeatable)
        own = [] if proven else self._browsers(request)
        found, degraded = await self._read(subjects, repeatable, own)
        customer = next((one for one in found if one.found), None)
        state, degraded = self._state(customer, request.channel, degraded)
        if repeatable and (kept := self.replays.find(subjects[0], repeatable, found[0].answer if found else b"")):
            with suppress(DataError):  # of another version of Etappe: as if it had not been kept
                return self._again(kept, request, state)
        catalogue = self.replica.position
        made = decide(self.replica.view, request, state, self.settings, time.time())
        took = time.perf_counter() - began
        answer = msgspec.structs.replace(made.answer, took_ms=round(took * 1000, 3), degraded=degraded)
        made = msgspec.structs.replace(made, answer=answer)
        encoded = _ENCODER.encode(answer)
        if repeatable:
            mine = Kept(encoded, personal=state is not None)
            settled = await self.replays.settle(subjects[0], repeatable, mine, degraded=degraded)
            if settled is not mine:
                return self._again(settled, request, state)
        self._record(request, made, customer.subject if customer and state is not None else b"", catalogue)
        metrics.DECISIONS.labels(degraded=str(degraded).lower()).inc()
        metrics.DECISION_SECONDS.observe(took)
        return encoded

    def _again(self, kept: Kept, request: DecideRequest, state: State | None) -> bytes:
        """What was answered before, less what is forbidden by now. Nothing is recorded or consumed once more."""
        view, personal = self.replica.view, kept.personal
        return replayed(kept.answer, view, request, state, self.settings, time.time(), personal=personal)

    async def customer(self, subject: Subject) -> CustomerRecord:
        """One customer's record.

        Raises:
            TimeoutError: Redis does not answer in its budget.
        """
        async with asyncio.timeout(self._budget):
            return (await customers.read(self.client, [subject], standing=self.standing))[0]

    def _state(self, customer: CustomerRecord | None, channel: str, degraded: bool) -> tuple[State | None, bool]:
        """The customer's state, and whether the answer is degraded: also where the record cannot be read."""
        if customer is None or degraded:
            return None, degraded
        try:
            if customer.account and customer.denies(unknown_denies=False, channel=channel):
                return None, False
            return state_of(customer.base, customer.tail, self.settings, channel), False
        except DataError as error:
            _log.warning("the record of customer %s cannot be read: %s", customer.subject.hex(), error)
            return None, True

    def _subjects(self, request: DecideRequest, repeatable: str | None) -> list[Subject]:
        """Whose record to read: the user's before the visitor's; a stranger with a request_id has only that."""
        asked = request.customer
        named = (("user_id", asked.user_id), ("anonymous_id", asked.anonymous_id))
        subjects = [self.subject(kind, value) for kind, value in named if value]
        if not subjects and repeatable:
            return [self.subject("request_id", repeatable)]
        return subjects

    def _browsers(self, request: DecideRequest) -> list[Subject]:
        """The browser that is asked about."""
        browser = request.customer.anonymous_id
        return [self.subject(ANONYMOUS, browser)] if browser else []

    async def _read(
        self, subjects: list[Subject], request_id: str | None, own: list[Subject]
    ) -> tuple[list[CustomerRecord], bool]:
        """The records, and whether Redis failed to answer in its budget, or has lost what it had."""
        try:
            await self.be_current()
            if not subjects:
                return [], False
            async with asyncio.timeout(self._budget):
                return await customers.read(self.client, subjects, request_id, own, self.standing), False
        except GenerationError:
            metrics.SET_BACK.inc()
            return [], True
        except (StoreUnavailableError, TimeoutError, redis.RedisError, OSError):
            return [], True

    def _record(self, request: DecideRequest, made: Decision, subject: Subject | bytes, catalogue: str) -> None:
        dropped = self.decisions.dropped
        kept = _ENCODER.encode(record.record_of(request, made, catalogue=catalogue, settings_digest=self._digest))
        self.decisions.add(Recorded(made.answer.decision, int(made.now * 1000), subject, kept))
        metrics.RECORDS_DROPPED.inc(self.decisions.dropped - dropped)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"catalogue.time_zone {name!r} is no time zone; use a name as in Europe/Berlin") from error


def now() -> datetime:
    """The time of arrival."""
    return datetime.now(UTC)
