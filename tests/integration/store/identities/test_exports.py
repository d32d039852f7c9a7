"""Exports on their way from who asks to who makes them."""

from etappe.events.identities import Identity
from etappe.ids import Subject
from etappe.store import keys
from etappe.store.identities import exports
from etappe.store.server.connection import SyncRedis

ONE, OTHER = Subject(b"1" * 16), Subject(b"2" * 16)


def test_exports_are_made_in_turn(client: SyncRedis) -> None:
    """What is asked for first is made first, with all subjects and identities, and nothing is made twice."""
    first = exports.ask(client, ONE, {ONE: Identity("user_id", "u"), OTHER: Identity("device", "d")})
    second = exports.ask(client, OTHER, {OTHER: Identity("user_id", "v")})
    found = [exports.next_wanted(client), exports.next_wanted(client)]
    assert [first, second] == [one.number for one in found if one]
    assert found[0] is not None
    assert (found[0].customer, found[0].subjects) == (ONE, [ONE, OTHER])
    assert found[0].identities == [Identity("user_id", "u"), Identity("device", "d")]
    assert exports.next_wanted(client) is None


def test_finished_export_is_taken_once(client: SyncRedis) -> None:
    """A finished export is there for who asked for it, once."""
    number = exports.ask(client, ONE, {ONE: Identity("user_id", "u")})
    assert exports.take(client, number) is None
    exports.put(client, number, b"{}")
    assert [exports.take(client, number), exports.take(client, number)] == [b"{}", None]


def test_nothing_stays_for_ever(client: SyncRedis) -> None:
    """What is asked for, and what nobody fetches, leaves Redis by itself."""
    number = exports.ask(client, ONE, {ONE: Identity("user_id", "u")})
    exports.put(client, number, b"{}")
    for name in (keys.EXPORTS_WANTED, keys.export(number)):
        assert 0 < client.ttl(name) <= exports.KEPT_SECONDS
