"""Who may ask: keys as `Authorization: Bearer KEY`, told apart by their digest only, and visitor tokens.

Clients of other systems send the same keys in their own ways, on their own addresses only.
"""

import base64
import binascii
import hmac
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from etappe.events.identities import CLAIMED, IDENTITIES, named
from etappe.events.intake import Accepted, Rejected
from etappe.events.vocabulary import Alias, Event, SetConsent
from etappe.store.api_keys import ApiKey, digest_of

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
    """The accepted and rejected events: with a publishable key consent is denied in a user's name, never given.

    Of an event that does both the denials count.
    """
    key: ApiKey | None = connection.state.get("key")
    if key is None or key.kind == "secret":
        return accepted, rejected
    left: list[Accepted] = []
    refused: list[Rejected] = []
    for one in accepted:
        mine = _denying(one) if _gives_consent(one.event) else one
        if mine is None:
            refused.append(Rejected(one.index, "consent of a user_id is given with a secret key", "user_id"))
        else:
            left.append(mine)
    return left, sorted([*rejected, *refused], key=lambda one: one.index)


def linking(connection: Connection, accepted: list[Accepted], token: str | None) -> list[Accepted]:
    """The events that may say who is whom: all with a secret key, else those of the user that `token` speaks for.

    A token speaks for one account, so it joins no second one by an alias.
    """
    key: ApiKey | None = connection.state.get("key")
    if key is None or key.kind == "secret":
        return accepted
    users = {one.event.user_id for one in accepted if one.event.user_id} if token else set()
    spoken = {user for user in users if may_name_customers(connection, user, token)}
    return [one for one in accepted if one.event.user_id in spoken and not isinstance(one.event, Alias)]


def without_claims(
    connection: Connection, accepted: list[Accepted], rejected: list[Rejected]
) -> tuple[list[Accepted], list[Rejected]]:
    """The events with identities that only a shop's server can vouch for (a card, an address) put aside as `claimed`.

    Else anyone could write into the record of whoever's e-mail address they know; a visitor token speaks for a user_id
    alone. Who is named by nothing else is refused.
    """
    key: ApiKey | None = connection.state.get("key")
    if key is None or key.kind == "secret":
        return accepted, rejected
    left = [_claimed(one) for one in accepted]
    nobody = [one for one in left if not (named(one.event) or one.event.order_id)]
    refused = [
        Rejected(one.index, "this identity is named with a secret key", "properties.identities") for one in nobody
    ]
    return [one for one in left if one not in nobody], [*rejected, *refused]


def _claimed(one: Accepted) -> Accepted:
    said = dict(one.event.properties or {})
    found = said.pop(IDENTITIES, None)
    if found is None:
        return one
    event = msgspec.structs.replace(one.event, properties=said | {CLAIMED: found})
    return msgspec.structs.replace(one, event=event)


def _denying(one: Accepted) -> Accepted | None:
    """The event with what it denies; None where that is nothing."""
    said = {name: value for name, value in (one.event.properties or {}).items() if value is not True}
    if False not in said.values():
        return None
    return msgspec.structs.replace(one, raw=None, event=msgspec.structs.replace(one.event, properties=said))


def _gives_consent(event: Event) -> bool:
    return isinstance(event, SetConsent) and event.user_id is not None and True in (event.properties or {}).values()


def _signed(user_id: str, digest: str, token: str) -> bool:
    expected = hmac.new(digest.encode(), user_id.encode(), "sha256").hexdigest()
    return hmac.compare_digest(expected.encode(), token.encode())


def _bearer(connection: Connection) -> str:
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _user_name(connection: Connection) -> str:
    scheme, _, encoded = connection.headers.get("authorization", "").partition(" ")
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
    connection.state["key"] = found
    return found
