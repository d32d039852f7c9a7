"""Who may ask: keys as `Authorization: Bearer KEY`, told apart by their digest only, and visitor tokens.

Clients of other systems send the same keys in their own ways, on their own addresses only.
"""

import base64
import binascii
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from etappe.api.access import visitors
from etappe.events.identities import ANONYMOUS, USER, Identity
from etappe.events.trust import Sender
from etappe.store.config.api_keys import ApiKey, digest_of

Connection = ASGIConnection[Any, Any, Any, Any]


async def any_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests with any valid key pass: what a browser may ask for."""
    await _key_of(connection)


async def basic_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests of Segment's clients pass: any valid key as the user name of Basic, or as a Bearer."""
    await _key_of(connection, _user_name(connection) or _bearer(connection), "Basic")


async def api_secret(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests of the Measurement Protocol pass: any valid key as the query's `api_secret`."""
    await _key_of(connection, str(connection.query_params.get("api_secret") or ""), "Bearer")


async def secret_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests with a secret key pass: what only the shop's servers may ask for."""
    key = await _key_of(connection)
    if key is not None and key.kind != "secret":
        raise PermissionDeniedException(
            "this needs a secret key; a publishable key may send events and ask for decisions"
        )


def is_trusted(connection: Connection) -> bool:
    """Whether the request is believed all: by a secret key, or where keys are off."""
    key: ApiKey | None = connection.scope["state"].get("key")
    return key is None or key.kind == "secret"


def sender_of(connection: Connection, token: str | None) -> Sender:
    """Who sends this: `token` and the visitor's cookie are what a browser proves itself by."""
    if is_trusted(connection):
        return Sender(trusted=True, proves=lambda _: True)
    return Sender(trusted=False, proves=lambda one: proves(connection, one, token))


def proves(connection: Connection, identity: Identity, token: str | None) -> bool:
    """Whether the request may speak for `identity`: by a secret key, a token signed for it, or the visitor's cookie."""
    if is_trusted(connection):
        return True
    if identity.kind == USER:
        return token is not None and any(visitors.signs(key, identity, token) for key in _secrets(connection))
    if identity.kind != ANONYMOUS:
        return False
    issuer: bytes = connection.app.state.service.secret
    given = (token, visitors.token_in(connection.cookies.get(visitors.COOKIE), identity.value))
    return any(one is not None and visitors.is_issued(issuer, identity.value, one) for one in given)


def may_name_customers(connection: Connection, user_id: str, token: str | None) -> bool:
    """Whether the request may speak of `user_id`: by a secret key, or with a token its shop's server signed for it.

    The token is the hex HMAC-SHA256 of the user_id, keyed with the hex SHA-256 of a secret key.
    """
    return proves(connection, Identity(USER, user_id), token)


def _secrets(connection: Connection) -> list[str]:
    """The digests of the secret keys in force."""
    known = connection.app.state.service.replica.keys.values()
    return [one.digest for one in known if one.kind == "secret" and not one.revoked]


def _authorization(connection: Connection) -> str:
    """The first header of this name, read from the scope: all headers are parsed for nothing where this is all."""
    return next(
        (value.decode("latin-1") for name, value in connection.scope["headers"] if name == b"authorization"), ""
    )


def _bearer(connection: Connection) -> str:
    scheme, _, key = _authorization(connection).partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _user_name(connection: Connection) -> str:
    scheme, _, encoded = _authorization(connection).partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


async def _key_of(connection: Connection, key: str | None = None, scheme: str = "Bearer") -> ApiKey | None:
    """The valid key of a request, a Bearer unless another is given; None where keys are switched off.

    A replica whose lease lapsed may have missed that a key was revoked, so it catches up first. Where Redis does not
    answer, or has lost what it had, the keys last known count.
    """
    service = connection.app.state.service
    if not service.place.auth:
        return None
    await service.keep_current()
    key = _bearer(connection) if key is None else key
    found: ApiKey | None = service.replica.keys.get(digest_of(key)) if key else None
    if found is None:
        service.refuse()  # a key that is not known may be one that Redis has lost
    if found is None or found.revoked:
        raise NotAuthorizedException(
            "no valid key: send 'Authorization: Bearer KEY'; `etappe keys create --kind secret` makes one",
            headers={"WWW-Authenticate": scheme},
        )
    connection.scope["state"]["key"] = found
    return found
