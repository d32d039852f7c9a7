"""Whoever is erased, nobody else loses anything: random people, whose ids are each other's ratings, sizes and cards."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests import workers
from tests.integration.living import Living
from tests.integration.worker.people import DEEDS, PEOPLE, Deed, Person, done, introductions, people

from etappe.events.identities import Identity, hashed_email, hashed_phone
from etappe.events.intake import Accepted
from etappe.events.naming.sought import ERASED
from etappe.log import Log
from etappe.settings import Place
from etappe.store import keys
from etappe.store.identities import graph
from etappe.store.identities.exports import Wanted
from etappe.store.identities.linking import Linker
from etappe.store.ingesting.ingest import ingest
from etappe.store.server import connection
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import RedisPy
from etappe.worker.archiving.archive import archive
from etappe.worker.erasing.rewriting import erase_now
from etappe.worker.exporting import export_of
from etappe.worker.rebuilding import rebuild_dirty

_FEW: Final = settings(
    max_examples=workers.examples(30, short=10),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
_DEEDS: Final = st.lists(DEEDS, min_size=1, max_size=12)
_NUMBERS: Final = iter(range(1_000_000))


class Shop:
    """A shop that was just opened, and in which everything is done at once."""

    def __init__(self, client: SyncRedis, secret: bytes, folder: Path) -> None:
        client.flushall()
        place = Place(folder)
        log = Log(folder / "log")
        log.prepare()
        self.living = Living(place, client, log, secret)

    def take(self, events: list[Accepted], server: Place, *, linking: bool = True) -> None:
        """Takes events as a serving process does, and links what they claim."""
        living = self.living

        async def send() -> None:
            async with connection.connect_async(server) as client:
                await ingest(RedisPy(client), living.secret, events, living.settings)

        asyncio.run(send())
        if linking:
            linker = Linker(living.client, living.secret, living.settings)
            linker.link(linker.news(events))
        archive(living.client, living.log)
        rebuild_dirty(living.client, living.log, living.settings)

    def decide(self, person: Person, record: dict[str, Any]) -> None:
        """Notes a decision."""
        fields: Any = {"d": f"d{next(_NUMBERS)}", "t": self.now(), "s": self.subject(person)}
        self.living.client.xadd(keys.DECISION_STREAM, fields | {"r": json.dumps(record)})

    def now(self) -> int:
        """Unix ms by the clock of Redis."""
        seconds, micro = self.living.client.time()
        return int(seconds) * 1000 + int(micro) // 1000

    def subject(self, person: Person) -> Any:
        """The subject of somebody's account."""
        return self.living.subject(person.ids["user_id"])

    def export(self, person: Person) -> Any:
        """What `GET /v1/customers/{id}/export` answers, as its bytes decoded."""
        living, subject = self.living, self.subject(person)
        root = graph.roots(living.client, [subject])[subject]
        group = graph.groups(living.client, [root])[root]
        named = {one: node.identity for one, node in group.items()} or {
            subject: Identity("user_id", person.ids["user_id"])
        }
        wanted = Wanted(number="", customer=root, subjects=list(named), identities=list(named.values()))
        return msgspec.json.encode(export_of(living.client, living.log, wanted, living.settings))

    def erase(self, person: Person) -> Any:
        """Erases somebody and rewrites the log."""
        self.living.erase(person.ids["user_id"], archived=False)
        [receipt] = erase_now(
            self.living.client, self.living.log, self.living.place.data / "rejected", self.living.settings
        )
        return receipt

    def texts(self) -> str:
        """All that the log says."""
        return "\n".join(str(row) for table in ("event", "identity", "decision") for row in self.living.rows(table))


@pytest.fixture
def shops(place: Place, client: SyncRedis, secret: bytes, tmp_path: Path) -> Any:
    """Opens shops on a server, one after another."""

    def opened() -> Shop:
        folder = tmp_path / f"shop{next(_NUMBERS)}"
        folder.mkdir()
        return Shop(client, secret, folder)

    return opened, place


def _take_all(shop: Shop, server: Place, who: list[Person], deeds: list[Deed]) -> None:
    events = introductions(who)
    for place, deed in enumerate(deeds):
        events += done(deed, who[deed.person], f"e-{place}")
    for deed in deeds:
        shown = {"p": [{"id": deed.first, "position": 0, "source": deed.second}]}
        shop.decide(who[deed.person], {"request_id": deed.first, "context": {"page": deed.second}, "shown": shown})
    shop.take(events, server)


@pytest.mark.seeded
@_FEW
@given(who=people(), deeds=_DEEDS, erased=st.integers(0, PEOPLE - 1))
def test_nobody_else_loses_anything(shops: Any, who: list[Person], deeds: list[Deed], erased: int) -> None:
    """Of people who share nothing but coincident values one is erased: the others' exports are the same bytes."""
    opened, server = shops
    shop = opened()
    _take_all(shop, server, who, deeds)
    others = [person for person in who if person.number != erased]
    before = {person.number: shop.export(person) for person in others}
    assert shop.export(who[erased]) != b"null"
    receipt = shop.erase(who[erased])
    assert before == {person.number: shop.export(person) for person in others}
    assert shop.export(who[erased]) == b"null"
    assert not any(msgspec.structs.astuple(receipt.redacted))
    texts = shop.texts()
    assert [value for value in _forms(who[erased]) if value in texts] == []


@pytest.mark.seeded
@_FEW
@given(
    who=people(),
    deeds=_DEEDS,
    erased=st.integers(0, PEOPLE - 1),
    shared=st.lists(st.sampled_from(("browser", "device", "note", "address")), min_size=1, unique=True),
)
def test_others_lose_only_the_name(
    shops: Any, who: list[Person], deeds: list[Deed], erased: int, shared: list[str]
) -> None:
    """Where others' rows name the erased, only that name goes: all else in their exports stays as it was."""
    opened, server = shops
    shop = opened()
    _take_all(shop, server, who, deeds)
    gone, others = who[erased], [person for person in who if person.number != erased]
    events = []
    for number, deed in enumerate(deeds):
        person = _naming(others[deed.person % len(others)], gone, shared)
        field = "source" if deed.sort == "consent" else "note"
        extra = {field: f"{deed.first}: for {gone.email} or {gone.phone}"} if "note" in shared else {}
        extra |= {"email": gone.email} if "address" in shared and deed.sort in ("list", "search") else {}
        events += done(deed, person, f"f-{number}", extra)
    shop.take([one for one in events if one.event.user_id], server, linking=False)
    before = {person.number: _rest(shop.export(person), gone) for person in others}
    shop.erase(gone)
    after = {person.number: shop.export(person) for person in others}
    assert before == {number: _rest(export, gone) for number, export in after.items()}
    texts = shop.texts() + str(after)
    assert [value for value in _forms(gone) if value in texts] == []


def _naming(person: Person, gone: Person, shared: list[str]) -> Person:
    """Somebody whose events name ids of `gone`."""
    ids = dict(person.ids)
    ids |= {"anonymous_id": gone.ids["anonymous_id"]} if "browser" in shared else {}
    ids |= {"device_id": gone.ids["device_id"]} if "device" in shared else {}
    return msgspec.structs.replace(person, ids=ids)


def _forms(person: Person) -> list[str]:
    """All that is unmistakably somebody's, as the log may have it."""
    return [*person.telling, hashed_email(person.email), hashed_phone(person.phone)]


def _rest(export: bytes, gone: Person) -> Any:
    """An export without what may be lost: ids of `gone` where ids stand, payloads, and their addresses in texts."""
    text = export.decode().replace(gone.email, ERASED).replace(gone.phone, ERASED)
    said = msgspec.json.decode(text)
    lost = {("device", gone.ids["device_id"]), ("email_sha256", hashed_email(gone.email))}
    for event in said["events"]:
        event.pop("raw", None)
        if event.get("anonymous_id") == gone.ids["anonymous_id"]:
            del event["anonymous_id"]
        properties = event.get("properties", {})
        named = properties.get("identities", {})
        left = {kind: value for kind, value in named.items() if (kind, value) not in lost}
        properties.pop("identities", None)
        if properties.get("email") == ERASED:
            del properties["email"]
        event["properties"] = properties | ({"identities": left} if left else {})
    return said
