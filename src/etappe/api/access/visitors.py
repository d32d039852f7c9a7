"""Proof of who a browser is: tokens that the shop's server signs for a user_id, and Etappe for an anonymous_id."""

import hmac
import secrets
from typing import Final

from etappe.events.identities import Identity
from etappe.events.trust import ISSUED
from etappe.units import SECONDS_PER_DAY

COOKIE: Final = "etappe_visitor"
COOKIE_SECONDS: Final = 365 * SECONDS_PER_DAY
_PURPOSE: Final = b"visitor token\0"
"""What sets these tokens apart from whatever else the place's secret signs."""
_ID_BYTES: Final = 16


def signs(digest: str, identity: Identity, token: str) -> bool:
    """Whether `token` is the shop's word for a user_id: its hex HMAC-SHA256, keyed with the digest of a secret key."""
    return _equal(hmac.new(digest.encode(), identity.value.encode(), "sha256").hexdigest(), token)


def new_id() -> str:
    """An anonymous_id that nobody can guess."""
    return ISSUED + secrets.token_hex(_ID_BYTES)


def issue(secret: bytes, anonymous_id: str) -> str:
    """The token of an anonymous_id, signed with the place's secret."""
    return hmac.new(secret, _PURPOSE + anonymous_id.encode(), "sha256").hexdigest()


def is_issued(secret: bytes, anonymous_id: str, token: str) -> bool:
    """Whether `token` is the one of `anonymous_id`."""
    return _equal(issue(secret, anonymous_id), token)


def cookie_of(anonymous_id: str, token: str) -> str:
    """What the cookie holds: the token first, as the id may hold any character."""
    return f"{token}.{anonymous_id.encode().hex()}"


def read_cookie(value: str | None) -> tuple[str, str] | None:
    """The anonymous_id and the token of a cookie, unproven as yet; None where it is none of ours."""
    token, _, encoded = (value or "").partition(".")
    try:
        anonymous_id = bytes.fromhex(encoded).decode()
    except ValueError:
        return None
    return (anonymous_id, token) if anonymous_id else None


def token_in(value: str | None, anonymous_id: str) -> str | None:
    """The token that a cookie holds for this anonymous_id."""
    found = read_cookie(value)
    return found[1] if found is not None and found[0] == anonymous_id else None


def _equal(expected: str, token: str) -> bool:
    return hmac.compare_digest(expected.encode(), token.encode())
