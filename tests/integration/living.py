"""A store that is lived in: events of now come in through it, link identities, and are archived."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

from etappe.events.identities import Identity
from etappe.events.intake import read_event
from etappe.events.trust import Sender, received
from etappe.ids import Subject, subject_of
from etappe.log import Log
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.identities import erasure
from etappe.store.identities.erasure import Receipt
from etappe.store.identities.linking import Linker
from etappe.store.ingesting import browsers
from etappe.store.ingesting.ingest import Outcome, ingest
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive


class Living:
    """What a serving process does with events, and what is in the log then."""

    def __init__(self, place: Place, client: SyncRedis, log: Log, secret: bytes) -> None:
        self.place, self.client, self.log, self.secret = place, client, log, secret
        self.settings = Settings()
        client.set(keys.SECRET, secret)

    def did(
        self,
        event_id: str,
        event: str = "view_item",
        *,
        raw: bytes | None = None,
        linking: bool = True,
        archived: bool = True,
        **fields: Any,
    ) -> Outcome:
        """Somebody does something, by default looks at an item just now: ingested, and unless told not to linked and archived."""
        whole = {"event_id": event_id, "event": event, "item_id": "i"} | fields
        one = read_event(json.dumps(whole).encode(), datetime.now(UTC))
        if raw is not None:
            one = type(one)(one.index, one.event, one.event_id, one.time, raw)

        async def send() -> list[Outcome]:
            async with connection.connect_async(self.place) as client:
                return await ingest(RedisPy(client), self.secret, [one], self.settings)

        outcome = asyncio.run(send())[0]
        if linking and outcome is not Outcome.ERASED:
            linker = Linker(self.client, self.secret, self.settings)
            linker.link(linker.news([one]))
        if archived:
            archive(self.client, self.log)
        return outcome

    def sent(self, *events: dict[str, Any], now: datetime | None = None) -> list[Outcome]:
        """Sends events with a publishable key and no proof, by default views by browser `b`."""
        whole = [{"event": "view_item", "item_id": "i", "anonymous_id": "b"} | event for event in events]
        moment = now or datetime.now(UTC)
        told = [read_event(json.dumps(one).encode(), moment, place) for place, one in enumerate(whole)]
        accepted = received(told, Sender(trusted=False, proves=lambda _: False), trust_orders=False)

        async def taken() -> list[Outcome]:
            async with connection.connect_async(self.place) as client:
                judged = await browsers.judge(RedisPy(client), self.secret, accepted)
                outcomes = await ingest(RedisPy(client), self.secret, judged.events, self.settings)
                await browsers.keep(RedisPy(client), self.secret, judged, outcomes, self.settings)
                return outcomes

        return asyncio.run(taken())

    def subject(self, value: str, kind: str = "user_id") -> Subject:
        """The subject of an identity."""
        return subject_of(self.secret, kind, value)

    def erase(self, value: str, kind: str = "user_id", *, archived: bool = True) -> Receipt:
        """Erases a customer; whatever is done next is done later by every clock."""
        identity = Identity(kind, value)
        receipt = erasure.erase(self.client, self.secret, identity, self.subject(value, kind), self.settings)
        if archived:
            archive(self.client, self.log)
        time.sleep(0.003)
        return receipt

    def pending(self) -> list[erasure.Erasure]:
        """Whom the log still holds though they are erased."""
        return erasure.pending(self.client)

    def rows(self, table: str = "event") -> list[dict[str, Any]]:
        """All rows of a table of the log."""
        return self.log.scan(table).collect().to_dicts()
