"""Requests for the front, as clients send them and as none should, from a seed."""

import hashlib
import hmac
import json
import random
import re
from typing import Any

import msgspec

from etappe.api.access import visitors
from etappe.settings import Limits, Settings, Store

SIDE = "@side@"
"""Stands in bodies for the side that is asked, so that no side sees a duplicate of the other's event."""
SETTINGS = Settings(store=Store(budget_ms=60_000, lease_seconds=600), limits=Limits(browser_events_per_second=1e6))
"""Under which no answer depends on how busy the machine is."""
BROWSERS = ("visitor-0", "visitor-1", "visitor-2")
USERS = ("user-0", "user-1", "user-2")
Header = tuple[bytes, bytes]


class Keys(msgspec.Struct, frozen=True):
    """A key of each kind, one that was revoked, and the place's secret."""

    secret: str
    publishable: str
    revoked: str
    place: bytes


class Asked(msgspec.Struct, frozen=True):
    """One request: the body in the pieces in which it comes; `goes` where the client leaves instead of ending it."""

    method: str
    path: str
    headers: list[Header]
    pieces: list[bytes]
    query: bytes = b""
    goes: bool = False


def asked(draw: random.Random, keys: Keys) -> Asked:
    """One request: plain in about half of all cases, else odd in one or a few ways."""
    path = draw.choice(("/v1/decide", "/v1/events"))
    odd = draw.random() < 0.5
    body = _encoded(draw, _decision(draw, keys) if path == "/v1/decide" else _events(draw, keys), odd=odd)
    headers = [(b"host", b"127.0.0.1:8000"), *_key(draw, keys, odd=odd), *_page(draw, keys, odd=odd)]
    headers.append((b"content-type", b"application/json" if not odd else draw.choice(_TYPES)))
    if not odd:
        return Asked("POST", path, [*headers, _length(body)], [body])
    headers += draw.choices(_MORE, k=1) if draw.random() < 0.2 else []
    if draw.random() < 0.1:
        headers[0] = (
            b"host",
            draw.choice((b"shop.example", b"localhost", b"[::1]:80", b"localhost.evil.example", b"")),
        )
    if draw.random() < 0.1:
        headers.append(draw.choice(headers))
    pieces = _pieces(draw, body)
    told = len(body) if draw.random() < 0.95 else draw.choice((0, len(body) + 1, 300_000, 10**9))
    headers.append((b"content-length", b"%d" % told) if draw.random() < 0.9 else (b"transfer-encoding", b"chunked"))
    method = "POST" if draw.random() < 0.9 else draw.choice(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
    path = path if draw.random() < 0.9 else draw.choice((f"{path}/", f"/{path}", path.replace("d", "%64"), "/v1/decid"))
    query = b"" if draw.random() < 0.95 else b"limit=3"
    return Asked(method, path, headers, pieces, query, goes=draw.random() < 0.03)


_TYPES = (b"application/json",) * 6 + (
    b"application/json; charset=utf-8",
    b"text/plain",
    b"application/x-www-form-urlencoded",
)
_MORE = (
    (b"content-encoding", b"gzip"),
    (b"accept", b"text/html"),
    (b"expect", b"100-continue"),
    (b"sec-fetch-site", b"cross-site"),
    (b"sec-fetch-site", b"same-origin"),
    (b"x-forwarded-for", b"192.0.2.1"),
)


def _length(body: bytes) -> Header:
    return b"content-length", b"%d" % len(body)


def _key(draw: random.Random, keys: Keys, *, odd: bool) -> list[Header]:
    good = [f"Bearer {keys.secret}", f"Bearer {keys.publishable}", f"bearer  {keys.publishable} "]
    bad = [f"Bearer {keys.revoked}", "Bearer nobody", "Bearer", f"Basic {keys.secret}", keys.secret, "Bearer \xff"]
    text = draw.choice(bad if odd and draw.random() < 0.2 else good)
    return [] if odd and draw.random() < 0.05 else [(b"authorization", text.encode("latin-1"))]


def _page(draw: random.Random, keys: Keys, *, odd: bool) -> list[Header]:
    headers = []
    if draw.random() < 0.4:
        headers.append((b"origin", draw.choice((b"https://shop.example", b"null", b"http://localhost:3000", b""))))
    if draw.random() < 0.3:
        browser = draw.choice(BROWSERS)
        token = visitors.issue(keys.place, browser) if draw.random() < 0.7 else "forged"
        cookie = f"{visitors.COOKIE}={visitors.cookie_of(browser, token)}"
        headers.append((b"cookie", (cookie if not odd or draw.random() < 0.8 else "a=b; =;").encode()))
    return headers


def _token(draw: random.Random, keys: Keys, user: str) -> str:
    digest = hashlib.sha256(keys.secret.encode()).hexdigest()
    return hmac.new(digest.encode(), user.encode(), "sha256").hexdigest() if draw.random() < 0.6 else "forged"


def _customer(draw: random.Random, keys: Keys) -> dict[str, Any]:
    user, browser = draw.choice(USERS), draw.choice(BROWSERS)
    told: dict[str, Any] = {}
    if draw.random() < 0.6:
        told["user_id"] = user
    if draw.random() < 0.6:
        told["anonymous_id"] = browser
    if draw.random() < 0.5:
        told["token"] = _token(draw, keys, user)
    return told


def _decision(draw: random.Random, keys: Keys) -> Any:
    body: dict[str, Any] = {"placements": [_placement(draw, number) for number in range(draw.randint(1, 3))]}
    more = (
        ("customer", _customer(draw, keys)),
        ("request_id", f"r{draw.randint(0, 5)}"),
        ("channel", draw.choice(("web", "email", "carrier pigeon" if draw.random() < 0.1 else "app"))),
        ("locale", "de-DE"),
        ("context", {"page": "home", "item": "i1", "cart": ["i2"]}),
        ("explain", draw.random() < 0.5),
    )
    return body | {name: value for name, value in more if draw.random() < 0.4}


def _placement(draw: random.Random, number: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": f"p{number}"}
    if draw.random() < 0.6:
        told["limit"] = draw.choice((1, 5, 100, 3.0))
    if draw.random() < 0.2:
        told["filter"] = draw.choice(
            ({"brand": "a"}, {"id": ["i1", "i2"]}, {"price": {"<": 3}}, {"nonsense": {"??": 1}})
        )
    return told


def _events(draw: random.Random, keys: Keys) -> Any:
    body: dict[str, Any] = {"events": [_event(draw) for _ in range(draw.randint(0, 4))]}
    if draw.random() < 0.3:
        body["customer"] = {"token": _token(draw, keys, draw.choice(USERS))}
    return body


def _event(draw: random.Random) -> Any:
    number = draw.getrandbits(40)
    told: dict[str, Any] = {"event_id": f"{SIDE}{number}", "anonymous_id": f"{SIDE}{draw.randint(0, 20)}"}
    kind = draw.choice(
        ("product_view", "login", "add_to_cart", "page_view", "set_traits", "set_consent", "no such event")
    )
    told["event"] = kind
    if kind in ("product_view", "add_to_cart") and draw.random() < 0.9:
        told["item_id"] = "i1"
    if kind == "set_traits":
        told["properties"] = {"colour": "red"}
    if kind == "set_consent":
        told["properties"] = {"personalisation": draw.random() < 0.5}
    if draw.random() < 0.2:
        told["user_id"] = f"{SIDE}user"
    return told if draw.random() < 0.95 else draw.choice((None, 7, [], {"event": 3}))


def _encoded(draw: random.Random, body: Any, *, odd: bool) -> bytes:
    if not odd or draw.random() < 0.5:
        return json.dumps(body).encode()
    name, value = draw.choice(_SPOILT)
    if draw.random() < 0.5:
        body[name] = value
        return json.dumps(body).encode()
    text = bytearray(json.dumps(body).encode())
    how = draw.randrange(4)
    if how == 0:
        text[draw.randrange(len(text))] = draw.randrange(256)
    elif how == 1:
        del text[draw.randrange(len(text)) :]
    elif how == 2:
        text += draw.choice((b" ", b"}", b"\x00", b" " * 70_000, b" " * 300_000))
    else:
        return draw.choice((b"", b"null", b"[]", b"{}", b"[" * 5_000, b'{"events": {}}', b"\xff\xfe", b'"x"'))
    return bytes(text)


_SPOILT = (
    ("placements", []),
    ("placements", [{"name": "twice"}, {"name": "twice"}]),
    ("placements", [{"name": f"p{number}"} for number in range(21)]),
    ("placements", [{"name": "a", "limit": "3"}]),
    ("placements", [{"name": "a", "limit": 0}]),
    ("placements", [{"name": "a", "kind": "content"}]),
    ("placements", [{"name": "a", "filter": {"brand": [[[[["x"]]]]]}}]),
    ("events", [{"event": "login", "anonymous_id": "x"}] * 101),
    ("events", "none"),
    ("unknown", 1),
    ("customer", {"user_id": ""}),
    ("customer", {"who": "me"}),
    ("context", None),
    ("explain", 1),
)


def _pieces(draw: random.Random, body: bytes) -> list[bytes]:
    if draw.random() < 0.7 or not body:
        return [body]
    cut = draw.randrange(len(body))
    return [body[:cut], body[cut:], *([b""] if draw.random() < 0.5 else [])]


def steady(text: str) -> Any:
    """A body without what differs from one asking to the next."""
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if isinstance(told, dict):
        told = {name: value for name, value in told.items() if name not in ("decision", "took_ms")}
        if told.get("status") == 429:
            told["detail"] = re.sub(r"\d+", "#", told["detail"])
    return told
