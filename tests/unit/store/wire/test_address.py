"""Which server a URL leads to, and as whom."""

import ssl
from pathlib import Path

import pytest

from etappe.errors import StoreError
from etappe.settings import Place
from etappe.store.wire.address import Address, address_of


def _of(url: str | None) -> Address:
    return address_of(Place(Path("/data"), redis_url=url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", Address()),
        ("redis://shop.example", Address("shop.example", 6379)),
        ("redis://shop.example:7000/3", Address("shop.example", 7000, database=3)),
        ("redis://:secret@h", Address("h", password="secret")),
        ("redis://anna:p%40ss@h", Address("h", username="anna", password="p@ss")),
        (
            "redis://h?db=4&client_name=etappe&socket_connect_timeout=2",
            Address("h", database=4, name="etappe", seconds=2),
        ),
        ("redis://[::1]:7000", Address("::1", 7000)),
        ("unix:///run/redis.sock?db=2", Address(path="/run/redis.sock", database=2)),
        ("unix://anna:secret@/run/a%20b.sock", Address(path="/run/a b.sock", username="anna", password="secret")),
    ],
)
def test_url_is_read_as_redis_py_reads_it(url: str, expected: Address) -> None:
    """Host, port, socket, database, user, password, name and time-out are those that redis-py takes from a URL."""
    assert _of(url) == expected


def test_secure_url_checks_who_answers() -> None:
    """rediss:// speaks TLS and checks the certificate, unless the URL says that it need not."""
    tls = _of("rediss://h").tls
    assert tls is not None
    assert tls.verify_mode == ssl.CERT_REQUIRED
    loose = _of("rediss://h?ssl_cert_reqs=none").tls
    assert loose is not None
    assert loose.verify_mode == ssl.CERT_NONE


def test_place_without_url_is_the_embedded_server() -> None:
    """Without a URL it is the socket in the data folder."""
    assert str(_of(None).path).startswith("/")
    assert _of(None).greeting() == []


@pytest.mark.parametrize("url", ["http://h", "redis://h?db=many", "rediss://h?ssl_cert_reqs=perhaps", "redis://h:port"])
def test_what_is_no_url_says_so(url: str) -> None:
    """What leads nowhere is refused with what to write instead."""
    with pytest.raises(StoreError, match=r"ETAPPE_REDIS is no Redis URL.*use redis://host"):
        _of(url)


def test_greeting_says_who_and_which_database() -> None:
    """User and password, database and name are said on every connection, in this order."""
    told = Address(username="anna", password="secret", database=3, name="etappe").greeting()
    assert told == [("AUTH", "anna", "secret"), ("SELECT", 3), ("CLIENT", "SETNAME", "etappe")]
    assert Address(password="secret").greeting() == [("AUTH", "secret")]


def test_messages_name_no_password() -> None:
    """A server is named by host and port, or by its socket."""
    assert str(Address("h", 7000, password="secret")) == "h:7000"
    assert str(Address(path="/run/redis.sock")) == "/run/redis.sock"


def test_node_without_host_is_on_the_same_one() -> None:
    """A cluster that does not know its own address names only the port."""
    assert Address("h", 7000, password="s").beside("", 7001) == Address("h", 7001, password="s")
    assert Address(path="/run/redis.sock").beside("other", 7001) == Address("other", 7001)
