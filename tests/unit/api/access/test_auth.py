"""Keys and visitor tokens, told apart by digests only."""

import asyncio
import hmac
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

import pytest
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException

from etappe.api.access import auth
from etappe.store.config.api_keys import ApiKey, digest_of

SECRET, PUBLISHABLE, REVOKED = "sk_secret", "pk_publishable", "sk_revoked"
USER = "17850"


def _service(*, auth_on: bool = True) -> Any:
    kept = [
        ApiKey("sk_sec", "secret", digest_of(SECRET)),
        ApiKey("pk_pub", "publishable", digest_of(PUBLISHABLE)),
        ApiKey("sk_rev", "secret", digest_of(REVOKED), revoked=True),
    ]

    async def keep_current() -> bool:
        return True

    return SimpleNamespace(
        place=SimpleNamespace(auth=auth_on),
        replica=SimpleNamespace(keys={one.digest: one for one in kept}),
        keep_current=keep_current,
        refuse=lambda: None,
    )


def _connection(authorization: str | None, *, auth_on: bool = True) -> Any:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    app = SimpleNamespace(state=SimpleNamespace(service=_service(auth_on=auth_on)))
    return cast("Any", SimpleNamespace(app=app, scope={"headers": headers, "state": {}}))


def _guard(guard: Any, connection: Any) -> None:
    asyncio.run(guard(connection, cast("Any", None)))


def _token(user: str, key: str = SECRET) -> str:
    return hmac.new(sha256(key.encode()).hexdigest().encode(), user.encode(), "sha256").hexdigest()


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", f"Basic {SECRET}", SECRET, f"Bearer {REVOKED}", "Bearer nonsense"]
)
@pytest.mark.parametrize("guard", [auth.any_key, auth.secret_key])
def test_no_valid_key_is_refused(guard: Any, authorization: str | None) -> None:
    """What is no valid key opens nothing, and is told what to send."""
    with pytest.raises(NotAuthorizedException) as raised:
        _guard(guard, _connection(authorization))
    assert raised.value.headers == {"WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize("authorization", [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER  {SECRET} "])
def test_secret_key_opens_all(authorization: str) -> None:
    """A secret key passes both guards."""
    for guard in (auth.any_key, auth.secret_key):
        _guard(guard, _connection(authorization))


def test_publishable_key_opens_what_browsers_need() -> None:
    """A publishable key passes the one guard and not the other."""
    _guard(auth.any_key, _connection(f"Bearer {PUBLISHABLE}"))
    with pytest.raises(PermissionDeniedException, match="secret key"):
        _guard(auth.secret_key, _connection(f"Bearer {PUBLISHABLE}"))


def test_switched_off() -> None:
    """With keys off nobody is asked for one, and every customer may be named."""
    for guard in (auth.any_key, auth.secret_key):
        connection = _connection(None, auth_on=False)
        _guard(guard, connection)
        assert auth.may_name_customers(connection, USER, None) is True


@pytest.mark.parametrize(
    ("key", "token", "expected"),
    [
        (SECRET, None, True),
        (PUBLISHABLE, None, False),
        (PUBLISHABLE, "", False),
        (PUBLISHABLE, "nonsense", False),
        (PUBLISHABLE, "Ö", False),
        (PUBLISHABLE, _token(USER), True),
        (PUBLISHABLE, _token(USER).upper(), False),
        (PUBLISHABLE, _token("another"), False),
        (PUBLISHABLE, _token(USER, REVOKED), False),
        (PUBLISHABLE, _token(USER, PUBLISHABLE), False),
    ],
)
def test_who_may_name_a_customer(key: str, token: str | None, expected: bool) -> None:
    """A server may name anyone; a browser only whom a token of a valid secret key names."""
    connection = _connection(f"Bearer {key}")
    _guard(auth.any_key, connection)
    assert auth.may_name_customers(connection, USER, token) is expected
