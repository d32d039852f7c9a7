"""What the routes share: the replica and the store's connections."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from etappe.api.deciding.lately import Lately
from etappe.api.deciding.replays import Replays
from etappe.api.limits.admission import Admission
from etappe.api.memory import MemoryWatch
from etappe.api.replica import Replica
from etappe.errors import GenerationError, StoreUnavailableError
from etappe.events.intake import Accepted
from etappe.ids import Subject, subject_of
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.config import journal
from etappe.store.decided.decisions import DecisionWriter
from etappe.store.identities.linking import Linker
from etappe.store.identities.together import Together
from etappe.store.ingesting import browsers, consents
from etappe.store.ingesting.ingest import Ingest, Outcome
from etappe.store.place.marks import REMEDY, Standing
from etappe.store.records import customers
from etappe.store.records.customers import CustomerRecord
from etappe.store.server.connection import AsyncRedis, SyncRedis
from etappe.store.wire import Wire, ask_all, within
from etappe.zones import zone_of

_ENCODER: Final = msgspec.json.Encoder()
_log = logging.getLogger("etappe.api")


class Service:
    """One serving process."""

    def __init__(
        self, wire: Wire, client: AsyncRedis, blocking: SyncRedis, place: Place, settings: Settings, standing: Standing
    ) -> None:
        self.wire = wire
        self.client = client
        self.blocking = blocking
        self.place = place
        self.settings = settings
        self.standing = standing
        self.replica = Replica(client, place, settings, self.standing)
        self.decisions = DecisionWriter(
            wire, settings.store.decision_buffer, settings.store.decision_stream, held=self._refused
        )
        self.ready = False
        self.warning: str | None = None
        self.memory = MemoryWatch(client)
        self.secret = standing.secret
        self._ingest = Ingest(self.wire, standing.secret, settings, standing=standing)
        self._linker = Linker(blocking, standing.secret, settings)
        self._claims = Together(self._linker)
        self.digest = settings.digest()
        self.admission = Admission(settings.limits)
        self.lately = Lately(settings)
        self.replays = Replays(wire, settings)
        self.budget = settings.store.budget_ms / 1000
        self.zone = zone_of(settings.catalogue.time_zone)

    async def take(self, events: Sequence[Accepted], linking: Sequence[Accepted] | None = None) -> list[Outcome]:
        """Accepts events: they are durable and count at once. `linking` (default: all) may say who is whom.

        Raises:
            StoreUnavailableError: Redis does not answer, or identities are being changed all the time; send them again.
            GenerationError: Redis has lost what it had; nothing is taken until it is rebuilt.
        """
        judged = await browsers.judge(self.wire, self.secret, events)
        outcomes = await self._ingest.take(judged.events)
        await browsers.keep(self.wire, self.secret, judged, outcomes, self.settings)
        taken, telling = judged.events, events if linking is None else linking
        if Outcome.ERASED in outcomes:
            gone = {one.event_id for one, what in zip(events, outcomes, strict=True) if what is Outcome.ERASED}
            taken = [one for one, what in zip(taken, outcomes, strict=True) if what is not Outcome.ERASED]
            telling = [one for one in telling if one.event_id not in gone]
        self.lately.heard(self.secret, taken)
        claims = self._linker.news(telling)
        if claims and (claims := await self._linker.unlinked(self.wire, claims)):
            await self._claims.link(claims)
        return outcomes

    async def with_consent_timed(self, events: Sequence[Accepted], arrived: datetime) -> list[Accepted]:
        """`events` in which each `set_consent` has the time from which it counts."""
        return await consents.timed(self.wire, self.secret, events, arrived, self.settings)

    async def keep_current(self) -> bool:
        """Whether keys and catalogue are up to date, brought up to it where need be."""
        return await self.replica.keep_current(self.budget)

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
        names = (keys.CONFIG_MARK, keys.IDENTITY_MARK)
        for name, mark in zip(names, await ask_all(self.wire, [("GET", name) for name in names]), strict=True):
            self.standing.check(name, mark)

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

    async def customer(self, subject: Subject) -> CustomerRecord:
        """One customer's record.

        Raises:
            TimeoutError: Redis does not answer in its budget.
        """
        async with within(self.budget):
            return (await customers.read(self.wire, [subject], standing=self.standing))[0]


def now() -> datetime:
    """The time of arrival."""
    return datetime.now(UTC)
