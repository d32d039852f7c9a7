"""Who may ask what: keys on every route, effective at once, shown nowhere."""

import hmac
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, accept, decided, etappe, free_port, ids_of, must, new_key

ANY_KEY = [
    ("POST", "/v1/events", {"events": []}),
    ("POST", "/v1/decide", {"placements": [{"name": "p"}]}),
    ("GET", "/v1/items/COF-0001", None),
    ("GET", "/v1/items/COF-0001/related", None),
    ("GET", "/v1/popular", None),
]
SECRET_KEY = [("PUT", "/v1/items", {"items": []}), ("GET", "/v1/customers/{known}", None)]
OPEN = ["/healthz", "/readyz", "/metrics", "/schema", "/schema/openapi.json"]

Route = tuple[str, str, dict[str, object] | None]


def _call(client: httpx.Client, route: Route, known: str, authorization: str | None) -> httpx.Response:
    method, path, body = route
    headers = {} if authorization is None else {"authorization": authorization.encode()}
    return client.request(method, path.format(known=known), json=body, headers=headers)


@pytest.fixture
def keyless(first: Server) -> Iterator[httpx.Client]:
    """A client without a key."""
    with first.client(None) as client:
        yield client


@pytest.mark.parametrize("route", [*ANY_KEY, *SECRET_KEY], ids=lambda route: f"{route[0]} {route[1]}")
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer garbage",
        "Bearer a b",
        "Bearer sk_" + "0" * 43,
        "Basic {secret}",
        "{secret}",
        "Bearer Ö",
    ],
)
def test_no_valid_key_is_401(
    keyless: httpx.Client, template: Template, route: Route, authorization: str | None
) -> None:
    """Whatever is no valid key is refused on every route with problem details and www-authenticate."""
    header = None if authorization is None else authorization.format(secret=template.secret)
    answer = _call(keyless, route, template.customers[0], header)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert {"title", "status", "detail"} == set(answer.json())
    assert "etappe keys create" in answer.json()["detail"]


@pytest.mark.parametrize("route", [*ANY_KEY, *SECRET_KEY], ids=lambda route: f"{route[0]} {route[1]}")
def test_secret_key_opens_every_route(keyless: httpx.Client, template: Template, route: Route) -> None:
    """A secret key may do all; the scheme's name is read without regard to case."""
    for scheme in ("Bearer", "bearer"):
        answer = _call(keyless, route, template.customers[0], f"{scheme} {template.secret}")
        assert answer.status_code in (200, 202)


@pytest.mark.parametrize("route", ANY_KEY, ids=lambda route: f"{route[0]} {route[1]}")
def test_publishable_key_may_send_and_ask(keyless: httpx.Client, template: Template, route: Route) -> None:
    """A publishable key may send events and ask for decisions and lists."""
    assert _call(keyless, route, "", f"Bearer {template.publishable}").status_code in (200, 202)


@pytest.mark.parametrize("route", SECRET_KEY, ids=lambda route: f"{route[0]} {route[1]}")
def test_publishable_key_is_403_elsewhere(keyless: httpx.Client, template: Template, route: Route) -> None:
    """A publishable key reads no customer and changes no catalogue."""
    answer = _call(keyless, route, template.customers[0], f"Bearer {template.publishable}")
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret key" in answer.json()["detail"]


@pytest.mark.parametrize("path", OPEN)
def test_operators_need_no_key(keyless: httpx.Client, path: str) -> None:
    """Health, metrics and the description of the API are open."""
    assert keyless.get(path).status_code == 200


def test_publishable_key_without_token_is_a_stranger(
    browser: httpx.Client, here: httpx.Client, template: Template
) -> None:
    """Asked with a publishable key and no valid token, another customer's answer is the stranger's."""
    user = template.customers[0]
    stranger = decided(here)
    assert ids_of(stranger) != ids_of(decided(here, user))
    other = _token(template.secret, template.customers[1])
    for token in (None, "", "garbage", "Ö", other, _token("sk_wrong", user), _token(template.publishable, user)):
        answer = decided(browser, customer={"user_id": user, **({} if token is None else {"token": token})})
        assert stranger["placements"] == answer["placements"]
        assert False is answer["customer"]["known"]


def test_publishable_key_with_token_is_the_customer(
    browser: httpx.Client, here: httpx.Client, template: Template
) -> None:
    """With a token that the shop's server signed, a browser gets that customer's answer."""
    user = template.customers[0]
    answer = decided(browser, customer={"user_id": user, "token": _token(template.secret, user)})
    assert decided(here, user)["placements"] == answer["placements"]
    assert True is answer["customer"]["known"]


def test_request_id_does_not_leak_another_customers_answer(
    browser: httpx.Client, here: httpx.Client, template: Template
) -> None:
    """A browser that repeats somebody's request_id without their token does not get their answer."""
    user = template.customers[0]
    made = decided(here, user, request_id="leak")
    assert made["decision"] != decided(browser, user, request_id="leak")["decision"]


def test_browser_cannot_overturn_a_withdrawal(
    browser: httpx.Client, here: httpx.Client, name: Callable[[], str]
) -> None:
    """With a publishable key nobody gives consent in a user's name; withdrawing it is taken, as is a visitor's own."""
    user, visitor = name(), name()
    consent = {"event": "set_consent", "properties": {"personalisation": True}}
    accept(here, {"event": "login", "user_id": user})
    accept(browser, {"event": "set_consent", "user_id": user, "properties": {"personalisation": False}})
    answer = browser.post("/v1/events", json={"events": [consent | {"user_id": user}]}).json()
    assert (answer["accepted"], answer["rejected"][0]["index"], answer["rejected"][0]["field"]) == (0, 0, "user_id")
    assert here.get(f"/v1/customers/{user}").json()["consent"] == "denied"
    accept(browser, consent | {"anonymous_id": visitor})


def test_browser_acts_for_its_own_visitor(browser: httpx.Client, name: Callable[[], str]) -> None:
    """What a browser did as an anonymous visitor is in its next answer."""
    visitor = name()
    accept(browser, {"event": "ignore", "anonymous_id": visitor, "item_id": ids_of(decided(browser))[0]})
    answer = decided(browser, customer={"anonymous_id": visitor})
    assert ids_of(decided(browser))[0] not in ids_of(answer)


def test_keys_are_effective_at_once_everywhere(first: Server, second: Server, shop: Path) -> None:
    """A key created is taken, and one revoked is refused, by every process of every server with the next request."""
    for kind in ("secret", "publishable"):
        key = new_key(shop, kind)
        assert _statuses(first, second, key) == [200] * 12
        must(shop, "keys", "revoke", key[:9])
        assert _statuses(first, second, key) == [401] * 12


def test_token_of_a_revoked_key_is_worth_nothing(browser: httpx.Client, shop: Path, template: Template) -> None:
    """A token signed with a key that was revoked since names nobody."""
    key, user = new_key(shop, "secret"), template.customers[0]
    customer = {"user_id": user, "token": _token(key, user)}
    assert True is decided(browser, customer=customer)["customer"]["known"]
    must(shop, "keys", "revoke", key[:9])
    assert False is decided(browser, customer=customer)["customer"]["known"]


def test_key_is_printed_alone_and_kept_nowhere(first: Server, shop: Path) -> None:
    """`keys create` prints the key and nothing else; neither list, log, Redis nor the server's output has it."""
    ran = etappe(shop, "keys", "create", "--kind", "secret")
    key = ran.out.strip()
    assert f"{key}\n" == ran.out
    assert ran.err == ""
    with first.client(key) as client:
        decided(client)
        client.get("/v1/nowhere")
        client.put("/v1/items", content=b"no json")
    listed = must(shop, "keys", "list")
    assert key[:9] in listed
    assert key not in listed
    assert key not in first.said
    holding = [path for path in shop.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert holding == []


def test_unknown_key_cannot_be_revoked(shop: Path) -> None:
    """Revoking what there is not is an error that says how to find the names."""
    ran = etappe(shop, "keys", "revoke", "sk_nothing")
    assert ran.code == 1
    assert ran.err == "etappe: there is no key named sk_nothing; `etappe keys list` shows them\n"


def test_auth_off_serves_without_keys_on_loopback(tmp_path: Path) -> None:
    """ETAPPE_AUTH=off: no key is asked for on 127.0.0.1, and any is taken."""
    with Server(tmp_path / "data", env={"ETAPPE_AUTH": "off"}) as server:
        for key in (None, "garbage"):
            with server.client(key) as client:
                assert ids_of(decided(client, "someone")) == []
                assert client.put("/v1/items", json={"items": []}).status_code == 200
        waiting = Waiting()
        while waiting("keys are off" not in server.said):
            pass


def test_without_keys_no_page_of_the_web_is_answered(tmp_path: Path) -> None:
    """ETAPPE_AUTH=off: a page elsewhere erases, reads and writes nothing, by its own name or by one it gives this machine."""
    with Server(tmp_path / "data", env={"ETAPPE_AUTH": "off"}) as server, server.client(None) as client:
        accept(client, {"event": "login", "user_id": "dev"})
        page = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "text/plain"}
        for headers in (page, {"origin": "null"}, {"host": f"evil.example:{server.port}"}):
            for method, path in (("DELETE", "/v1/customers/dev"), ("POST", "/v1/events"), ("OPTIONS", "/v1/decide")):
                answer = client.request(method, path, headers=headers, content=b"{}")
                assert answer.status_code == 403
                assert not [name for name in answer.headers if name.startswith("access-control")]
        own = {"origin": server.url, "sec-fetch-site": "same-origin"}
        assert client.get("/v1/customers/dev", headers=own).status_code == 200
        assert client.get(f"http://localhost:{server.port}/v1/customers/dev").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com"])
def test_auth_off_is_refused_elsewhere(tmp_path: Path, host: str) -> None:
    """ETAPPE_AUTH=off on any other address: exit 1, one line, nothing started."""
    arguments = ("serve", "--host", host, "--port", str(free_port()))
    ran = etappe(tmp_path / "data", *arguments, env={"ETAPPE_AUTH": "off"})
    assert ran.code == 1
    assert [f"etappe: ETAPPE_AUTH=off is refused on {host}: anyone could read customers; use 127.0.0.1, or keys"] == (
        ran.err.splitlines()
    )
    assert ran.out == ""


def _token(key: str, user: str) -> str:
    """As docs say: hex HMAC-SHA256 of the user_id, keyed with the hex SHA-256 of the secret key."""
    return hmac.new(sha256(key.encode()).hexdigest().encode(), user.encode(), "sha256").hexdigest()


def _statuses(first: Server, second: Server, key: str) -> list[int]:
    limits = httpx.Limits(max_keepalive_connections=0)
    found: list[int] = []
    for server in (first, second):
        with server.client(key, limits=limits) as client:
            found += [client.get("/v1/popular").status_code for _ in range(6)]
    return found
