"""A browser that is linked to an account and proves nothing: it is answered by what it did itself, and changes no account."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, Waiting, accept, decided, ids_of, logged, redis_of

from etappe.api.access import visitors
from etappe.ids import browser_of, subject_of
from etappe.store import keys
from etappe.store.records import envelope

COOKIE = visitors.COOKIE
Name = Callable[[], str]


class Account:
    """A customer with a history, who logged in on a browser once: the shop's server said so."""

    def __init__(self, here: httpx.Client, template: Template, user: str) -> None:
        self.user, self.browser = user, f"{user}-browser"
        self.bought, self.seen, self.ignored = template.items[0], template.items[1], template.items[2]
        mine = {"user_id": user}
        sale = mine | {"event": "purchase", "item_id": self.bought, "price": 9.0, "order_id": f"{user}-1"}
        accept(here, sale, mine | {"event": "view_item", "item_id": self.seen})
        accept(here, mine | {"event": "set_traits", "properties": {"country": "FI"}})
        accept(here, mine | {"event": "ignore", "item_id": self.ignored})

    def log_in(self, here: httpx.Client) -> None:
        """Links the browser."""
        accept(here, {"event": "login", "user_id": self.user, "anonymous_id": self.browser})


@pytest.fixture
def account(here: httpx.Client, template: Template, name: Name) -> Account:
    """A customer linked to a browser that did nothing before."""
    made = Account(here, template, name())
    made.log_in(here)
    return made


def test_nothing_of_the_account_is_in_the_answer(here: httpx.Client, browser: httpx.Client, account: Account) -> None:
    """Who knows the browser's name alone gets a stranger's answer, in every field, explanation and rule."""
    asked: Body = {"explain": True, "limit": 20, "context": {"item": account.seen}}
    mine = decided(here, customer={"anonymous_id": account.browser}, **asked)
    assert mine["customer"]["known"]
    stranger = decided(browser, **asked)
    assert stranger["placements"] != mine["placements"]
    for customer in ({}, {"token": "garbage"}, {"user_id": account.user}):
        answer = decided(browser, customer={"anonymous_id": account.browser} | customer, **asked)
        assert _told(stranger) == _told(answer)


def test_a_repeated_request_tells_no_more(here: httpx.Client, browser: httpx.Client, account: Account) -> None:
    """The answer kept for a server's request is not given to a browser that sends the same one."""
    asked: Body = {"customer": {"anonymous_id": account.browser}, "request_id": "same"}
    assert decided(here, **asked)["decision"] != decided(browser, **asked)["decision"]


def test_own_events_count(browser: httpx.Client, here: httpx.Client, account: Account, template: Template) -> None:
    """What the browser does itself is in its next answer, as ever, and in the account's; it stays without the account."""
    own = {"anonymous_id": account.browser}
    accept(browser, own | {"event": "ignore", "item_id": template.items[5]})
    assert _shown(browser, account.browser, template.items[5], account.ignored) == {account.ignored}
    assert decided(browser, customer=own)["customer"]["known"]
    accept(browser, own | {"event": "view_item", "item_id": template.items[6], "user_id": account.user})
    items = {one["id"] for one in here.get(f"/v1/customers/{account.user}").json()["items"]}
    assert {template.items[5], template.items[6]} <= items


def test_what_a_browser_did_before_it_was_linked_stays_its_own(
    here: httpx.Client, browser: httpx.Client, template: Template, name: Name
) -> None:
    """What the browser turned down as a visitor is not shown to it after a login either, without and with proof."""
    account = Account(here, template, name())
    turned = template.items[7]
    accept(browser, {"event": "ignore", "anonymous_id": account.browser, "item_id": turned})
    account.log_in(here)
    assert _shown(browser, account.browser, turned, account.ignored) == {account.ignored}
    assert _shown(here, account.browser, turned, account.ignored) == set()


@pytest.mark.parametrize("named", [False, True])
def test_an_account_is_not_changed(
    here: httpx.Client, browser: httpx.Client, account: Account, name: Name, named: bool
) -> None:
    """Without proof nobody changes an account's traits, identities or orders, whether they name its browser or itself."""
    before = here.get(f"/v1/customers/{account.user}").json()
    item = ids_of(decided(here, account.user))[0]
    own = {"anonymous_id": account.browser} | ({"user_id": account.user} if named else {})
    accept(browser, own | {"event": "set_traits", "properties": {"country": "XX", "vip": True}})
    accept(browser, own | {"event": "identify", "properties": {"plan": "gold"}})
    accept(browser, own | {"event": "purchase", "item_id": item, "price": 99.0, "order_id": name()})
    accept(browser, {"event": "login", "anonymous_id": account.browser, "user_id": name()})
    after = here.get(f"/v1/customers/{account.user}").json()
    assert (before["traits"], before["orders"], before["revenue"]) == (
        after["traits"], after["orders"], after["revenue"],
    )  # fmt: skip
    linked = here.get(f"/v1/customers/{account.user}/identities").json()["identities"]
    assert {(one["kind"], one["value"]) for one in linked} == {
        ("user_id", account.user), ("anonymous_id", account.browser),
    }  # fmt: skip
    assert (_shown(browser, account.browser, item), _shown(here, account.browser, item)) == (set(), {item})


def test_a_denial_of_the_account_holds(here: httpx.Client, browser: httpx.Client, account: Account, shop: Path) -> None:
    """A browser cannot overturn the account's denial, for the account or for itself, and nothing it does is kept."""
    accept(browser, {"event": "view_item", "anonymous_id": account.browser, "item_id": account.seen})
    here.put(f"/v1/customers/{account.user}/consent", json={"purposes": {"personalisation": False}})
    accept(browser, _consent(account.browser, granted=True))
    assert here.get(f"/v1/customers/{account.user}").json()["consent"] == "denied"
    tail = _own_tail(shop, account)
    accept(browser, {"event": "view_item", "anonymous_id": account.browser, "item_id": account.bought})
    assert tail == _own_tail(shop, account)
    for client in (browser, here):
        assert not decided(client, customer={"anonymous_id": account.browser})["customer"]["known"]


def test_a_denial_of_the_browser_is_the_browsers(
    here: httpx.Client, browser: httpx.Client, account: Account, shop: Path
) -> None:
    """It holds for what this browser asks and sends from then on, at once; the account's word stays; it may be taken back."""
    own: Body = {"anonymous_id": account.browser}
    view = own | {"event": "view_item", "item_id": account.seen}
    accept(browser, view)
    assert decided(browser, customer=own)["customer"]["known"]
    accept(browser, _consent(account.browser, granted=False), view | {"event_id": f"{account.user}-same"})
    assert not decided(browser, customer=own)["customer"]["known"]
    events = here.get(f"/v1/customers/{account.user}").json()["events"]
    accept(browser, view | {"event_id": f"{account.user}-denied", "user_id": account.user})
    shown = here.get(f"/v1/customers/{account.user}").json()
    assert (shown["consent"], shown["events"]) == ("unknown", events)
    accept(browser, _consent(account.browser, granted=True), view | {"event_id": f"{account.user}-granted"})
    assert decided(browser, customer=own)["customer"]["known"]
    named = {f"b:{account.user}-{name}": name == "granted" for name in ("same", "denied", "granted")}
    assert named == {row["event_id"]: row["subject"] is not None for row in _rows(shop, list(named))}


def test_a_token_of_the_shop_proves_a_user(
    here: httpx.Client, browser: httpx.Client, account: Account, template: Template
) -> None:
    """With the user's token it is the account, which may be told traits; a token for one tells nothing of another's browser."""
    digest = sha256(template.secret.encode()).hexdigest()
    tokens = {user: hmac.new(digest.encode(), user.encode(), "sha256").hexdigest() for user in (account.user, "other")}
    mine = {"user_id": account.user, "token": tokens[account.user]}
    assert decided(here, account.user)["placements"] == decided(browser, customer=mine)["placements"]
    event = {"event": "set_traits", "user_id": account.user, "properties": {"city": "Turku"}}
    browser.post("/v1/events", json={"events": [event], "customer": {"token": mine["token"]}})
    assert here.get(f"/v1/customers/{account.user}").json()["traits"] == {"country": "FI", "city": "Turku"}
    another = {"user_id": "other", "token": tokens["other"], "anonymous_id": account.browser}
    assert not decided(browser, customer=another)["customer"]["known"]


def test_etappe_signs_a_browser_of_its_own_making(
    first: Server, here: httpx.Client, template: Template, name: Name
) -> None:
    """A new visitor gets an id that proves itself, by cookie or token, and then the account's answer once it is linked."""
    account = Account(here, template, name())
    with first.client(template.publishable) as client:
        answer = client.post("/v1/visitor")
        cookie = answer.headers["set-cookie"]
        assert all(part in cookie for part in (f"{COOKIE}=", "HttpOnly", "SameSite=lax", "Path=/", "Max-Age=31536000"))
        assert "secure" not in cookie.lower()
        visitor = client.post("/v1/visitor").json()
        assert answer.json() == visitor
        account.browser = visitor["anonymous_id"]
        account.log_in(here)
        mine = decided(here, account.user)["placements"]
        assert mine == decided(client, customer={"anonymous_id": account.browser})["placements"]
        client.cookies.clear()
        assert mine == decided(client, customer=visitor)["placements"]
        assert mine != decided(client, customer={"anonymous_id": account.browser})["placements"]
        other = client.post("/v1/visitor").json()
        assert other["anonymous_id"] != account.browser
        assert mine != decided(client, customer=visitor | {"token": other["token"]})["placements"]


def test_the_cookie_is_for_https_where_that_is_used(browser: httpx.Client) -> None:
    """Behind a proxy that ends TLS the cookie is never sent in clear."""
    answer = browser.post("/v1/visitor", headers={"x-forwarded-proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_nobody_is_signed_who_was_known_unsigned(browser: httpx.Client, here: httpx.Client, account: Account) -> None:
    """A publishable key gets no token for an id it names, nor by a cookie it made up; a secret key gets one for any."""
    body = {"anonymous_id": account.browser}
    assert browser.post("/v1/visitor", json=body).status_code == 403
    browser.cookies.set(COOKIE, visitors.cookie_of(account.browser, "0" * 64))
    assert browser.post("/v1/visitor").json()["anonymous_id"] != account.browser
    token = here.post("/v1/visitor", json=body).json()["token"]
    assert decided(browser, customer=body | {"token": token})["customer"]["known"]
    assert browser.post("/v1/visitor", content=b"{").status_code == 400


def test_nobody_links_a_signed_browser_to_themselves(
    first: Server, here: httpx.Client, template: Template, name: Name
) -> None:
    """A token for an account links no browser of Etappe's making without that browser's own proof."""
    user = name()
    accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[0]})
    digest = sha256(template.secret.encode()).hexdigest()
    token = hmac.new(digest.encode(), user.encode(), "sha256").hexdigest()
    with first.client(template.publishable) as client, first.client(template.publishable) as thief:
        victim = client.post("/v1/visitor").json()["anonymous_id"]
        login = {"event": "login", "user_id": user, "anonymous_id": victim}
        body = {"events": [login], "customer": {"token": token}}
        for sender, count in ((thief, 1), (client, 2)):
            assert sender.post("/v1/events", json=body).status_code == 202
            assert count == len(here.get(f"/v1/customers/{user}/identities").json()["identities"])


def test_a_signed_browser_takes_no_denial_back(
    first: Server, here: httpx.Client, template: Template, name: Name
) -> None:
    """Proof of being a browser grants what the account has not denied, and denies for it; it takes no denial back."""
    account = Account(here, template, name())
    with first.client(template.publishable) as client:
        account.browser = client.post("/v1/visitor").json()["anonymous_id"]
        accept(client, _consent(account.browser, granted=True))
        account.log_in(here)
        assert here.get(f"/v1/customers/{account.user}").json()["consent"] == "granted"
        here.put(f"/v1/customers/{account.user}/consent", json={"purposes": {"personalisation": False}})
        accept(client, _consent(account.browser, granted=True))
        assert here.get(f"/v1/customers/{account.user}").json()["consent"] == "denied"
        both = {"personalization": True, "email": False, "sms": True}
        accept(client, {"event": "set_consent", "anonymous_id": account.browser, "properties": both})
        consents = here.get(f"/v1/customers/{account.user}").json()["consents"]
        assert {purpose: word["granted"] for purpose, word in consents.items()} == {
            "personalisation": False, "email": False, "sms": True,
        }  # fmt: skip


def test_made_up_purposes_push_nothing_out(here: httpx.Client, browser: httpx.Client, account: Account) -> None:
    """Without proof a denial counts of purposes that Etappe or the account knows: others would crowd its record."""
    path = f"/v1/customers/{account.user}"
    here.put(f"{path}/consent", json={"purposes": {"club": True, "post": False}})
    crowd = {f"made-up-{number}": False for number in range(300)}
    for purposes in (crowd, crowd | {"club": False, "email": False}):
        accept(browser, {"event": "set_consent", "user_id": account.user, "properties": purposes})
    shown = here.get(path).json()
    assert shown["traits"] == {"country": "FI"}
    assert {purpose: word["granted"] for purpose, word in shown["consents"].items()} == {
        "club": False, "post": False, "email": False,
    }  # fmt: skip


def test_strangers_are_not_told_of_an_erasure(
    here: httpx.Client, browser: httpx.Client, account: Account, template: Template, name: Name
) -> None:
    """What happened before an erasure is not kept, and only who proves to be concerned is told why."""
    here.delete(f"/v1/customers/{account.user}")
    event = {"event": "view_item", "item_id": template.items[0], "timestamp": "2026-01-01T00:00:00Z"}
    answers = [
        browser.post("/v1/events", json={"events": [event | {"user_id": who}]}) for who in (account.user, name())
    ]
    assert answers[0].json() == answers[1].json() == {"accepted": 1, "duplicate": 0, "rejected": []}
    assert here.get(f"/v1/customers/{account.user}").status_code == 404
    told = here.post("/v1/events", json={"events": [event | {"user_id": account.user}]}).json()
    assert "erased" in told["rejected"][0]["reason"]


def test_erasure_takes_the_browsers_own_record(
    here: httpx.Client, browser: httpx.Client, account: Account, template: Template, shop: Path
) -> None:
    """With the account its browser's own record is gone."""
    accept(browser, {"event": "view_item", "anonymous_id": account.browser, "item_id": template.items[0]})
    assert _own_tail(shop, account)
    assert here.delete(f"/v1/customers/{account.user}").status_code == 200
    assert not _own_tail(shop, account)


def _own_tail(shop: Path, account: Account) -> bytes:
    client = redis_of(shop)
    subject = subject_of(client.get(keys.SECRET), "anonymous_id", account.browser)  # type: ignore[arg-type]
    return envelope.opened(client.get(keys.record(browser_of(subject)))).tail  # type: ignore[arg-type]


def _told(answer: Body) -> Body:
    return {name: answer[name] for name in ("placements", "customer")}


def _consent(browser: str, *, granted: bool) -> Body:
    return {"event": "set_consent", "anonymous_id": browser, "properties": {"personalisation": granted}}


def _shown(client: httpx.Client, browser: str, *items: str) -> set[str]:
    placements: Any = [{"name": "p", "filter": {"id": list(items)}}]
    return set(ids_of(decided(client, customer={"anonymous_id": browser}, placements=placements)))


def _rows(shop: Path, ids: list[str]) -> list[Body]:
    """The rows of events in the log, once all are there."""
    waiting, rows = Waiting(), logged(shop, "event")
    while waiting((found := rows.filter(rows["event_id"].is_in(ids))).height < len(ids)):
        rows = logged(shop, "event")
    return found.to_dicts()
