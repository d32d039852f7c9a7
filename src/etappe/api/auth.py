"""Who may ask: keys as `Authorization: Bearer KEY`, told apart by their digest only, and visitor tokens."""

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from etappe.events.intake import Accepted, Rejected
from etappe.events.vocabulary import Event, SetConsent
from etappe.store.api_keys import ApiKey, digest_of

Connection = ASGIConnection[Any, Any, Any, Any]


async def any_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests with any valid key pass: what a browser may ask for."""
    await _key_of(connection)


async def secret_key(connection: Connection, _: BaseRouteHandler) -> None:
    """Lets requests with a secret key pass: what only the shop's servers may ask for."""
    key = await _key_of(connection)
    if key is not None and key.kind != "secret":
        raise PermissionDeniedException(
            "this needs a secret key; a publishable key may send events and ask for decisions"
        )


def may_name_customers(connection: Connection, user_id: str, token: str | None) -> bool:
    """Whether the request may speak of `user_id`: by a secret key, or with a token its shop's server signed for it.

    The token is the hex HMAC-SHA256 of the user_id, keyed with the hex SHA-256 of a secret key.
    """
    key: ApiKey | None = connection.state.get("key")
    if key is None or key.kind == "secret":
        return True
    if token is None:
        return False
    secrets = (one for one in connection.app.state.service.replica.keys.values() if one.kind == "secret")
    return any(_signed(user_id, one.digest, token) for one in secrets if not one.revoked)


def without_foreign_consent(
    connection: Connection, accepted: list[Accepted], rejected: list[Rejected]
) -> tuple[list[Accepted], list[Rejected]]:
    """The accepted and rejected events: who holds only a publishable key cannot give consent in a user's name."""
    key: ApiKey | None = connection.state.get("key")
    if key is None or key.kind == "secret":
        return accepted, rejected
    foreign = [one for one in accepted if _gives_consent(one.event)]
    refused = [Rejected(one.index, "consent of a user_id is given with a secret key", "user_id") for one in foreign]
    left = [one for one in accepted if one not in foreign]
    return left, sorted([*rejected, *refused], key=lambda one: one.index)


def _gives_consent(event: Event) -> bool:
    return isinstance(event, SetConsent) and event.user_id is not None and True in (event.properties or {}).values()


def _signed(user_id: str, digest: str, token: str) -> bool:
    expected = hmac.new(digest.encode(), user_id.encode(), "sha256").hexdigest()
    return hmac.compare_digest(expected.encode(), token.encode())


async def _key_of(connection: Connection) -> ApiKey | None:
    """The valid key of a request; None where keys are switched off.

    A replica whose lease lapsed may have missed that a key was revoked, so it catches up first. Where Redis does not
    answer, the keys last known count.
    """
    service = connection.app.state.service
    if not service.place.auth:
        return None
    await service.keep_current()
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    found: ApiKey | None = None
    if scheme.lower() == "bearer" and key:
        found = service.replica.keys.get(digest_of(key.strip()))
    if found is None or found.revoked:
        raise NotAuthorizedException(
            "no valid key: send 'Authorization: Bearer KEY'; `etappe keys create --kind secret` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )
    connection.state["key"] = found
    return found
