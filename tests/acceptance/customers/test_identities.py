"""One customer, known by several identities: linked by what the shop sends, shown, shared and taken apart again."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, accept, decided, ids_of, logged

Name = Callable[[], str]
EVERYTHING = 100


def _ignore(client: httpx.Client, item: str, **whom: Any) -> None:
    accept(client, {"event": "ignore", "item_id": item, **whom})


def _seen(client: httpx.Client, **customer: str) -> set[str]:
    """All items that a customer may be shown."""
    return set(ids_of(decided(client, customer=customer, limit=EVERYTHING)))


def _identities(client: httpx.Client, user: str) -> list[tuple[str, str]]:
    answer = client.get(f"/v1/customers/{quote(user, safe='')}/identities")
    assert answer.status_code == 200, answer.text
    return [(one["kind"], one["value"]) for one in answer.json()["identities"]]


def _customer(client: httpx.Client, user: str) -> Body:
    answer = client.get(f"/v1/customers/{quote(user, safe='')}")
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def _take_out(client: httpx.Client, user: str, kind: str, value: str) -> Body:
    answer = client.delete(f"/v1/customers/{quote(user, safe='')}/identities", params={"kind": kind, "value": value})
    assert answer.status_code == 200, answer.text
    found: Body = answer.json()
    return found


def _token(user: str, secret: str) -> str:
    """What a shop's server signs for a browser, as docs/http.md says."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return hmac.new(digest.encode(), user.encode(), "sha256").hexdigest()


def test_login_brings_what_was_browsed(here: httpx.Client, there: httpx.Client, name: Name) -> None:
    """What a visitor did before logging in holds for the next decision, by user or by browser, on every replica."""
    user, browser = name(), name()
    unwanted = ids_of(decided(here, limit=2))
    for item in unwanted:
        _ignore(here, item, anonymous_id=browser)
    assert set(unwanted) <= _seen(here, user_id=user)
    accept(here, {"event": "login", "user_id": user, "anonymous_id": browser})
    for asked in (here, there):
        assert not set(unwanted) & _seen(asked, user_id=user)
        assert not set(unwanted) & _seen(asked, anonymous_id=browser)
    assert _customer(there, user)["events"] == 3
    assert _identities(here, user) == [("user_id", user), ("anonymous_id", browser)]


def test_identities_say_why(here: httpx.Client, name: Name) -> None:
    """Each link is shown from both ends, with the event that claimed it and when."""
    user, browser = name(), name()
    accept(here, {"event": "login", "event_id": f"{user}-login", "user_id": user, "anonymous_id": browser})
    links = [one["links"] for one in here.get(f"/v1/customers/{user}/identities").json()["identities"]]
    assert [[(one["value"], one["cause"]) for one in ends] for ends in links] == [
        [(browser, f"{user}-login")],
        [(user, f"{user}-login")],
    ]
    assert links[0][0]["since"] == links[1][0]["since"]


def test_nobodys_identities(here: httpx.Client, browser: httpx.Client, name: Name) -> None:
    """Nobody has no identities, somebody never linked has one, and a publishable key is shown neither."""
    user = name()
    assert here.get(f"/v1/customers/{user}/identities").status_code == 404
    accept(here, {"event": "view_item", "user_id": user, "item_id": "a"})
    assert _identities(here, user) == [("user_id", user)]
    assert browser.get(f"/v1/customers/{user}/identities").status_code == 403
    assert browser.delete(f"/v1/customers/{user}/identities", params={"kind": "a", "value": "b"}).status_code == 403
    missing = here.delete(f"/v1/customers/{user}/identities", params={"kind": "anonymous_id", "value": "x"})
    assert missing.status_code == 404
    assert "identities" in missing.json()["detail"]


def test_shared_browser(here: httpx.Client, name: Name) -> None:
    """A browser of two accounts is nobody's: neither sees what the other did, nor what is done without logging in."""
    one, other, browser = name(), name(), name()
    first, second, third = ids_of(decided(here, limit=3))
    accept(here, {"event": "login", "user_id": one, "anonymous_id": browser})
    _ignore(here, first, user_id=one, anonymous_id=browser)
    accept(here, {"event": "login", "user_id": other, "anonymous_id": browser})
    _ignore(here, second, user_id=other, anonymous_id=browser)
    _ignore(here, third, anonymous_id=browser)
    masked = [
        {item for item in (first, second, third) if item not in _seen(here, user_id=user)} for user in (one, other)
    ]
    assert masked == [{first}, {second}]
    assert third not in _seen(here, anonymous_id=browser)
    assert _identities(here, one) == [("user_id", one)]


def test_alias_and_back(here: httpx.Client, there: httpx.Client, name: Name) -> None:
    """Two accounts said to be one are one, and taken apart they are exactly who they were before."""
    old, new = name(), name()
    first, second = ids_of(decided(here, limit=2))
    _ignore(here, first, user_id=old)
    accept(here, {"event": "purchase", "user_id": old, "item_id": "a", "price": 5.0, "order_id": f"o-{old}"})
    _ignore(here, second, user_id=new)
    before = [_customer(here, user) for user in (old, new)]
    accept(here, {"event": "alias", "user_id": new, "properties": {"previous_id": old}})
    for user in (old, new):
        assert not {first, second} & _seen(there, user_id=user)
        assert (_customer(there, user)["events"], _customer(there, user)["revenue"]) == (4, 5.0)
    assert _take_out(here, new, "user_id", old) == {"kind": "user_id", "value": old, "rebuilt": True}
    after = [_customer(there, user) for user in (old, new)]
    assert [one["events"] for one in after] == [2, 2]
    assert _plain(after[0]) == _plain(before[0])
    assert {first} == {first, second} - _seen(there, user_id=old)
    assert {second} == {first, second} - _seen(there, user_id=new)


def _plain(customer: Body) -> Body:
    """A customer without what ages."""
    items = [{name: value for name, value in item.items() if name != "weight"} for item in customer["items"]]
    return customer | {"items": items}


def test_taken_out_stays_out(here: httpx.Client, name: Name) -> None:
    """What was taken out by hand is not linked again by the next login."""
    user, browser = name(), name()
    login = {"event": "login", "user_id": user, "anonymous_id": browser}
    accept(here, login)
    _take_out(here, user, "anonymous_id", browser)
    accept(here, login | {"event_id": f"{user}-again"})
    assert _identities(here, user) == [("user_id", user)]


def test_store_purchase_joins_the_online_trail(here: httpx.Client, name: Name) -> None:
    """A till receipt with a loyalty card, or with an e-mail address, belongs to who shops online under them."""
    user, card, address = name(), name(), f"{name()}@example.org"
    accept(
        here,
        {"event": "identify", "user_id": user, "properties": {"loyalty_card": card, "email": f" {address.upper()} "}},
    )
    sale = {"event": "purchase", "price": 3.0, "quantity": 2, "channel": "store"}
    first, second = ids_of(decided(here, limit=2))
    accept(here, sale | {"item_id": first, "order_id": f"till-1-{user}", "properties": {"loyalty_card": card}})
    accept(here, sale | {"item_id": second, "order_id": f"till-2-{user}", "properties": {"receipt_email": address}})
    assert (_customer(here, user)["orders"], _customer(here, user)["revenue"]) == (2, 12.0)
    assert not {first, second} & _seen(here, user_id=user)
    assert {kind for kind, _ in _identities(here, user)} == {
        "user_id",
        "loyalty_card",
        "email_sha256",
        "order_email_sha256",
    }


def test_addresses_are_kept_as_hashes(here: httpx.Client, name: Name) -> None:
    """No e-mail address or phone number is kept: they are not shown again."""
    user = name()
    accept(
        here,
        {
            "event": "identify",
            "user_id": user,
            "event_id": f"{user}-id",
            "properties": {"email": f"{user}@x.org", "phone": "0049 30 1234567", "city": "Berlin"},
        },
    )
    assert _customer(here, user)["traits"] == {"city": "Berlin"}
    shown = here.get(f"/v1/customers/{user}/identities").text
    assert "1234567" not in shown
    assert f"{user}@" not in shown


def test_browsers_may_claim_and_not_link(
    here: httpx.Client, browser: httpx.Client, name: Name, template: Template
) -> None:
    """With a publishable key naming two identities links nothing; with a token of the shop's server it does."""
    user, cookie = name(), name()
    claimed = {
        "event": "identify",
        "user_id": user,
        "anonymous_id": cookie,
        "properties": {"loyalty_card": f"c-{user}"},
    }
    accept(browser, claimed, {"event": "view_item", "user_id": user, "item_id": template.items[0]})
    assert _identities(here, user) == [("user_id", user)]
    wrong = browser.post(
        "/v1/events", json={"events": [claimed], "customer": {"token": _token("someone", template.secret)}}
    )
    assert wrong.status_code == 202
    assert _identities(here, user) == [("user_id", user)]
    again = claimed | {"event_id": f"{user}-signed"}
    signed = {"events": [again], "customer": {"token": _token(user, template.secret)}}
    assert browser.post("/v1/events", json=signed).json()["accepted"] == 1
    assert _identities(here, user) == [("user_id", user), ("anonymous_id", cookie)]


def test_tokens_join_no_second_account(
    here: httpx.Client, browser: httpx.Client, template: Template, name: Name
) -> None:
    """Who may speak for one account cannot make another's theirs by an alias."""
    user, victim = name(), name()
    accept(here, {"event": "view_item", "user_id": victim, "item_id": template.items[0]})
    taken = {"event": "alias", "user_id": user, "properties": {"previous_id": victim}}
    body = {"events": [taken], "customer": {"token": _token(user, template.secret)}}
    assert browser.post("/v1/events", json=body).json()["accepted"] == 1
    assert _identities(here, victim) == [("user_id", victim)]


def test_browsers_speak_for_no_address(browser: httpx.Client, name: Name) -> None:
    """With a publishable key an event that is named by nothing but an address or a card is refused."""
    event = {"event": "store_visit", "properties": {"loyalty_card": name()}}
    (refused,) = browser.post("/v1/events", json={"events": [event]}).json()["rejected"]
    assert (refused["index"], refused["field"]) == (0, "properties.identities")


def test_browsers_tell_no_returns(browser: httpx.Client, template: Template, name: Name) -> None:
    """What only the shop can know is refused from a browser, with proof too, by whichever route; a page view is taken."""
    user = name()
    events = [
        {"event": "page_view", "user_id": user, "channel": "social", "properties": {"source": "news"}},
        {"event": "return", "user_id": user, "order_id": "o"},
        {"event": "email_send", "user_id": user},
    ]
    said = browser.post("/v1/events", json={"events": events, "customer": {"token": _token(user, template.secret)}})
    assert (said.json()["accepted"], [one["index"] for one in said.json()["rejected"]]) == (1, [1, 2])
    assert all("secret key" in one["reason"] and one["field"] == "event" for one in said.json()["rejected"])
    message = {"userId": user, "event": "Email Delivered", "messageId": f"{user}-1"}
    refused = browser.post("/v1/segment/track", json=message)
    assert "secret key" in refused.text


def test_groups_link_nobody(here: httpx.Client, name: Name) -> None:
    """Two customers of one household and company stay two, each with the groups as traits."""
    ada, bob, house = name(), name(), name()
    for user in (ada, bob):
        accept(
            here,
            {"event": "identify", "user_id": user, "properties": {"identities": {"household": house}, "company": 7}},
            {"event": "set_traits", "user_id": user, "properties": {"buying_centre": house}},
        )
    for user in (ada, bob):
        assert _identities(here, user) == [("user_id", user)]
        assert _customer(here, user)["traits"] == {"household": house, "company": "7", "buying_centre": house}


def test_ids_with_slashes(here: httpx.Client, name: Name) -> None:
    """An id with a slash is one id in every path, and so are its identities."""
    user, cookie = f"team/{name()}?a=b&c", f"{name()}/x"
    accept(here, {"event": "login", "user_id": user, "anonymous_id": cookie})
    assert _identities(here, user) == [("user_id", user), ("anonymous_id", cookie)]
    assert _take_out(here, user, "anonymous_id", cookie)["rebuilt"]
    assert _identities(here, user) == [("user_id", user)]
    assert _customer(here, user)["events"] == 1


def test_journal_is_in_the_log(here: httpx.Client, name: Name, shop: Any) -> None:
    """Links and partings are in the log when the worker has been round: Redis can be rebuilt from it."""
    user, cookie = name(), name()
    accept(here, {"event": "login", "user_id": user, "anonymous_id": cookie})
    _take_out(here, user, "anonymous_id", cookie)
    rows = logged(shop, "identity")
    mine = rows.filter(rows["value"].is_in([user, cookie]))
    assert sorted(mine["kind"]) == ["anonymous_id", "user_id"]
    both = rows.filter(rows["subject"].is_in(mine["subject"].implode()) & rows["customer"].is_not_null())
    assert both.sort("epoch")["action"].to_list() == ["link", "unlink"]
