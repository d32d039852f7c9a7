"""What events claim about who is whom, and what becomes of it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest
from tests.unit.customers.people import subject

from etappe.customers.identity import Claim
from etappe.errors import StoreUnavailableError
from etappe.events.identities import Identity, hashed_email
from etappe.events.intake import Accepted
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.store.identities import graph, linking
from etappe.store.identities.linking import Linker, claims_of
from etappe.store.server.connection import SyncRedis
from etappe.store.wire import open_wire

Accept = Callable[..., Accepted]
Take = Callable[..., list[int]]
USER: Final = Identity("user_id", "u")
BERT: Final = Identity("user_id", "bert")
BROWSER: Final = Identity("anonymous_id", "browser")
CARD: Final = Identity("loyalty_card", "4711")
MAIL: Final = Identity("email_sha256", hashed_email("u@example.org"))
RECEIPT: Final = Identity("order_email_sha256", MAIL.value)


@pytest.fixture
def linker(client: SyncRedis, secret: bytes, settings: Settings) -> Linker:
    """The linker of one serving process."""
    return Linker(client, secret, settings)


def _link(linker: Linker, *events: Accepted) -> int:
    return linker.link(linker.news(events))


def _claimed(secret: bytes, one: Accepted) -> set[tuple[Identity, Identity]]:
    return {(found.one_is, found.other_is) for found in claims_of(secret, one.event, one.event_id)}


def _one(client: SyncRedis, *whom: Identity) -> bool:
    """Whether all these are one customer."""
    return len(set(graph.roots(client, [subject(one) for one in whom]).values())) == 1


def _tries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the graph is asked to link something, and how many claims."""
    link, calls = graph.link, list[int]()

    def counted(client: SyncRedis, claims: Any, settings: Settings) -> int:
        calls.append(len(claims))
        return link(client, claims, settings)

    monkeypatch.setattr(linking.graph, "link", counted)
    return calls


def test_one_identity_claims_nothing(secret: bytes, accept: Accept) -> None:
    """Who is named by one identity only is claimed to be nobody else."""
    assert _claimed(secret, accept("e")) == set()


def test_all_named_are_one(secret: bytes, accept: Accept) -> None:
    """An event says that the surest identity it names is each of the others; the cause is the event's id."""
    properties = {"identities": {"device": "tablet", "loyalty_card": "4711"}}
    one = accept("e7", anonymous_id="browser", properties=properties)
    device = Identity("device", "tablet")
    assert _claimed(secret, one) == {(USER, CARD), (USER, BROWSER), (USER, device)}
    assert {claim.cause for claim in claims_of(secret, one.event, one.event_id)} == {"e7"}


def test_receipt_is_the_address(secret: bytes, accept: Accept) -> None:
    """The address on a receipt is the address that a customer is known by elsewhere."""
    one = accept("e", "purchase", user_id=None, order_id="o", properties={"receipt_email": " U@example.org"})
    assert _claimed(secret, one) == {(MAIL, RECEIPT)}


def test_links_last(client: SyncRedis, linker: Linker, accept: Accept) -> None:
    """Two identities named together are one customer, to every process."""
    assert _link(linker, accept("e", "login", item_id=None, anonymous_id="browser")) == 1
    assert _one(client, USER, BROWSER)


def test_settled_claims_cost_nothing(
    client: SyncRedis, linker: Linker, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim that was settled lately is no news; to another process it is, but it does not touch the graph."""
    calls = _tries(monkeypatch)
    one = accept("e", anonymous_id="browser")
    _link(linker, one)
    assert linker.news([msgspec.structs.replace(one, event_id="e2")]) == []
    other = Linker(client, linker._secret, linker._settings)
    claims = other.news([msgspec.structs.replace(one, event_id="e2")])
    assert len(claims) == 1
    assert other.link(claims) == 0
    assert calls == [1]


def test_what_is_linked_is_seen_without_the_lock(
    client: SyncRedis, place: Place, linker: Linker, accept: Accept
) -> None:
    """Of claims, those whose ends are one customer are settled by one read while others hold the lock; the rest is left."""
    known, new = accept("e", anonymous_id="browser"), accept("f", user_id="bert", anonymous_id="other")
    _link(Linker(client, linker._secret, linker._settings), known)
    client.set(keys.IDENTITY_LOCK, b"another")

    async def asked(claims: list[Claim]) -> list[Claim]:
        async with open_wire(place) as wire:
            return await linker.unlinked(wire, claims)

    left = asyncio.run(asked(linker.news([known, new])))
    assert [claim.one_is for claim in left] == [BERT]
    assert linker.news([known, new]) == left


def test_memory_ends(linker: Linker, accept: Accept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was settled is forgotten after a while, and when too much is remembered, the oldest first."""
    monkeypatch.setattr(linking, "_REMEMBERED", 2)
    events = [accept(f"e{number}", user_id=f"u{number}", anonymous_id=f"b{number}") for number in range(3)]
    _link(linker, *events)
    assert [claim.one_is.value for claim in linker.news(events)] == ["u0"]
    monkeypatch.setattr(linking, "_REMEMBERED_SECONDS", -1.0)
    linker.link([claim for one in events for claim in claims_of(linker._secret, one.event, "e")])
    assert len(linker.news(events)) == 3


def test_failed_claims_are_not_settled(
    client: SyncRedis, linker: Linker, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be linked, as others held the lock, is news again when the same is sent again."""
    one = accept("e", anonymous_id="browser")
    monkeypatch.setattr(graph, "LOCK_WAIT_SECONDS", 0.01)
    client.set(keys.IDENTITY_LOCK, b"another")
    with pytest.raises(StoreUnavailableError, match="send the same again"):
        _link(linker, one)
    client.delete(keys.IDENTITY_LOCK)
    assert _link(linker, one) == 1


def test_alias_of_accounts(client: SyncRedis, linker: Linker, take: Take, accept: Accept) -> None:
    """An alias joins the two accounts it names, each time it is said: parted by hand they are one again."""
    take(accept("b", user_id="bert"))
    alias = accept("e", "alias", item_id=None, properties={"previous_id": "bert"})
    for _ in range(2):
        _link(linker, alias)
        assert _one(client, USER, BERT)
        graph.part(client, subject(USER), subject(BERT), "request", linker._settings)
        assert not _one(client, USER, BERT)


@pytest.mark.parametrize(("known", "linked"), [(["user_id"], ["user_id"]), (["anonymous_id"], ["anonymous_id"])])
def test_alias_of_somebody_known(
    client: SyncRedis, linker: Linker, take: Take, accept: Accept, known: list[str], linked: list[str]
) -> None:
    """A previous id whose kind is not said is that of which something is known, and the other is not invented."""
    kinds = {"user_id": None, "anonymous_id": None} | dict.fromkeys(known, "before")
    take(accept("b", **kinds))
    _link(linker, accept("e", "alias", item_id=None, properties={"previous_id": "before"}))
    group = graph.groups(client, [subject(USER)])[subject(USER)]
    assert sorted(node.identity.kind for node in group.values() if node.identity != USER) == linked


def test_alias_of_nobody_known(client: SyncRedis, linker: Linker, accept: Accept) -> None:
    """A previous id nobody has heard of may be of either kind: both are the customer's, whichever comes."""
    _link(linker, accept("e", "alias", item_id=None, properties={"previous_id": "before"}))
    assert _one(client, USER, Identity("user_id", "before"), Identity("anonymous_id", "before"))


def test_alias_of_oneself(client: SyncRedis, linker: Linker, accept: Accept) -> None:
    """Whoever is said to be themselves is nobody else."""
    _link(linker, accept("e", "alias", item_id=None, properties={"previous_id": "u"}))
    assert list(client.scan_iter()) == []
