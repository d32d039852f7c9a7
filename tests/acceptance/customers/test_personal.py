"""Everything that is held of a customer, and none of it any more."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from litestar.testing import AsyncTestClient
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Waiting, accept, decided, ids_of, logged, must, redis_of

from etappe.api.app import create_app
from etappe.api.routes import personal_data
from etappe.ids import subject_of
from etappe.settings import Place, Settings
from etappe.store import keys
from etappe.wiring.store import opened

PAST = datetime(2026, 3, 1, 12, tzinfo=UTC)
CARD = "card of "


@pytest.fixture
def person(here: httpx.Client, template: Template, name: Callable[[], str]) -> str:
    """A customer of one's own: browsed anonymously, logged in, bought, said who they are and what they allow."""
    user = name()
    browser, items = f"{user}-browser", template.items
    accept(here, _past(user, 1, "view_item", anonymous_id=browser, item_id=items[0], user_id=None))
    accept(here, _past(user, 2, "login", anonymous_id=browser))
    accept(here, _past(user, 3, "purchase", item_id=items[1], price=3.5, quantity=2, order_id=f"o-{user}"))
    accept(here, _past(user, 4, "identify", properties={"loyalty_card": CARD + user, "country": "FI"}))
    accept(here, _past(user, 5, "set_consent", properties={"email": True, "source": "app", "text_version": "7"}))
    return user


def test_export_has_everything(here: httpx.Client, shop: Path, person: str, template: Template) -> None:
    """The export has identities, consents, traits, all events with their payloads, and what was shown."""
    properties = {"product_id": template.items[2], "note": f"of {person}"}
    message = {"type": "track", "event": "Product Viewed", "userId": person, "messageId": f"{person}-6"}
    assert here.post("/v1/segment/track", json=message | {"properties": properties}).json()["accepted"] == 1
    made = [decided(here, person), decided(here, customer={"anonymous_id": f"{person}-browser"})]
    _wait_until_recorded(shop, [one["decision"] for one in made])
    answer = here.get(f"/v1/customers/{person}/export")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    named = {(one["kind"], one["value"]) for one in found["identities"]}
    expected = {("user_id", person), ("anonymous_id", f"{person}-browser"), ("loyalty_card", CARD + person)}
    assert expected == named
    word = {"granted": True, "time": _time(5), "source": "app", "text_version": "7"}
    assert (found["consents"], found["traits"]) == ({"email": word}, {"country": "FI"})
    events = {one["event_id"]: one for one in found["events"]}
    assert {f"{person}-{number}" for number in range(1, 7)} == set(events)
    bought = events[f"{person}-3"]
    assert (bought["item_id"], bought["price"], bought["quantity"], bought["time"]) == (
        template.items[1],
        3.5,
        2,
        _time(3),
    )
    assert events[f"{person}-1"]["anonymous_id"] == f"{person}-browser"
    assert events[f"{person}-6"]["raw"]["properties"] == properties
    shown = {one["decision"]: one["record"]["shown"]["p"] for one in found["decisions"]}
    assert {one["decision"]: ids_of(one) for one in made} == {
        decision: [item["id"] for item in items] for decision, items in shown.items()
    }


def test_export_has_nothing_of_others(here: httpx.Client, person: str, name: Callable[[], str]) -> None:
    """Nothing in an export is of somebody else, of whom as much is held."""
    other = name()
    accept(here, _past(other, 1, "login", anonymous_id=f"{other}-browser"))
    accept(here, _past(other, 2, "identify", properties={"loyalty_card": CARD + other}))
    decided(here, other)
    assert other not in here.get(f"/v1/customers/{person}/export").text
    assert person not in here.get(f"/v1/customers/{other}/export").text


def test_nothing_held_is_no_export(
    here: httpx.Client, browser: httpx.Client, person: str, name: Callable[[], str]
) -> None:
    """There is no export of whom nobody has heard, and none with a publishable key."""
    answer = here.get(f"/v1/customers/{name()}/export")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert browser.get(f"/v1/customers/{person}/export").status_code == 403
    assert browser.delete(f"/v1/customers/{person}").status_code == 403


def test_no_worker_no_export(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker makes the export it is a 503 in the end, which says what is missing."""
    monkeypatch.setattr(personal_data, "_EXPORT_SECONDS", 0.2)

    async def asked() -> httpx.Response:
        app = create_app(Place(place.data, place.redis_url, auth=False), Settings())
        async with AsyncTestClient(app) as client:
            return await client.get("/v1/customers/somebody/export")

    with opened(place):
        answer = asyncio.run(asked())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "etappe worker" in answer.json()["detail"]


def test_erased_is_gone_at_once(
    here: httpx.Client, there: httpx.Client, shop: Path, person: str, template: Template
) -> None:
    """Once DELETE is answered no process knows the customer: not by any identity, nor by a repeated request_id."""
    stranger = decided(there)["placements"]
    asked = [{"user_id": person}, {"anonymous_id": f"{person}-browser"}]
    before = [decided(here, customer=customer, request_id=f"r-{person}") for customer in asked]
    assert [answer["customer"]["known"] for answer in before] == [True, True]
    receipt = here.delete(f"/v1/customers/{person}")
    assert (receipt.status_code, receipt.json()["identities"], receipt.json()["rewritten"]) == (200, 3, None)
    assert person not in receipt.text
    assert _keys_of(shop, person) == []
    for client in (here, here, here, there, there):
        for customer, earlier in zip(asked, before, strict=True):
            answer = decided(client, customer=customer)
            assert (answer["placements"], answer["customer"]["known"]) == (stranger, False)
            repeated = decided(client, customer=customer, request_id=f"r-{person}")
            assert (repeated["placements"], repeated["decision"] == earlier["decision"]) == (stranger, False)
        assert client.get(f"/v1/customers/{person}").status_code == 404
        assert client.get(f"/v1/customers/{person}/identities").status_code == 404
    assert there.get(f"/v1/customers/{person}/export").status_code == 404
    assert receipt.json() == there.get(f"/v1/erasures/{receipt.json()['receipt']}").json()


def test_receipt_says_by_when(here: httpx.Client, name: Callable[[], str]) -> None:
    """The receipt names the day by which the log is rewritten; there is none of an unknown number."""
    receipt = here.delete(f"/v1/customers/{name()}").json()
    erased, due = (datetime.fromisoformat(receipt[field]) for field in ("erased", "rewritten_by"))
    assert timedelta(days=Settings().erasure.days) == due - erased
    assert here.get("/v1/erasures/0123456789abcdef").status_code == 404


def test_old_events_are_refused_and_new_ones_make_a_new_customer(
    here: httpx.Client, there: httpx.Client, person: str, template: Template
) -> None:
    """What happened before an erasure is refused with a reason, and links nobody; what happens later is somebody new's."""
    assert here.delete(f"/v1/customers/{person}").status_code == 200
    old = [
        _past(person, 1, "view_item", anonymous_id=f"{person}-browser", item_id=template.items[0], user_id=None),
        _past(person, 2, "login", anonymous_id=f"{person}-browser"),
    ]
    answer = there.post("/v1/events", json={"events": old}).json()
    assert (answer["accepted"], [one["index"] for one in answer["rejected"]]) == (0, [0, 1])
    assert all("erased" in one["reason"] for one in answer["rejected"])
    for client in (here, there):
        assert client.get(f"/v1/customers/{person}").status_code == 404
        assert client.get(f"/v1/customers/{person}/identities").status_code == 404
    accept(there, {"event": "view_item", "user_id": person, "item_id": template.items[9], "event_id": f"{person}-new"})
    found = here.get(f"/v1/customers/{person}").json()
    assert (found["events"], found["traits"], found["consents"]) == (1, {}, {})
    assert [template.items[9]] == [item["id"] for item in found["items"]]
    shown = here.get(f"/v1/customers/{person}/export").json()
    assert [f"{person}-new"] == [event["event_id"] for event in shown["events"]]
    assert (shown["identities"], shown["decisions"]) == ([{"kind": "user_id", "value": person}], [])


def test_old_file_does_not_bring_the_erased_back(
    here: httpx.Client, shop: Path, tmp_path: Path, person: str, name: Callable[[], str], template: Template
) -> None:
    """An import leaves out what erased customers did before, and says how much; others' rows lose their browser's name."""
    other, browser = name(), f"{person}-browser"
    here.delete(f"/v1/customers/{person}")
    rows = [
        _past(person, 3, "purchase", item_id=template.items[1], price=3.5, quantity=2, order_id=f"o-{person}"),
        _past(person, 7, "view_item", item_id=template.items[1], user_id=None, anonymous_id=browser),
        _past(other, 8, "view_item", item_id=template.items[1], anonymous_id=browser),
        _past(person, 9, "view_item", item_id=template.items[3]) | {"timestamp": datetime.now(UTC).isoformat()},
    ]
    path = tmp_path / "old.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = json.loads(must(shop, "import", str(path), "--json"))
    assert {name: one["rows"] for name, one in report["skipped"].items()} == {
        "erased: the customer was erased since": 2
    }
    assert (report["revenue"]["skipped"], report["revenue"]["purchases"]) == ("7.00", "0.00")
    assert report["events"] == {"view_item": 2}
    log = logged(shop, "event")
    ids = [f"{person}-9", f"{other}-8"]
    assert log.filter(log["event_id"].is_in(ids))["anonymous_id"].to_list() == [None, None]
    assert here.get(f"/v1/customers/{person}").json()["events"] == 1
    assert [other] == [one["value"] for one in here.get(f"/v1/customers/{other}/identities").json()["identities"]]


MISTYPED = """
/v1/customers/{id}/
/v1/customers/{id}/identity
/v1/customers/{id}/identities
/v1/customers/{id}/export
/v1/customers/{id}/consent
/v1/customers/{id}//identities?kind=user_id&value={id}
/v1/customers/
/v1/customers//{id}
//v1/customers/{id}
/v1/customers/{id}/x/y
/v1/customer/{id}
/v1/erasures/{id}
"""


@pytest.mark.parametrize("path", MISTYPED.split())
def test_mistyped_path_erases_nobody(here: httpx.Client, person: str, path: str) -> None:
    """A DELETE of anything but exactly a customer is refused, and the customer stays."""
    answer = here.delete(path.format(id=person))
    assert answer.status_code in (400, 404, 405)
    assert here.get(f"/v1/customers/{person}").json()["events"] == 5


def test_forgotten_id_erases_nobody_of_that_name(here: httpx.Client, template: Template) -> None:
    """Where an id is missing in the path, the next word in it is not taken for the id."""
    for user in ("identities", "export", "consent"):
        accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[0]})
        assert here.delete(f"/v1/customers//{user}", params={"kind": "device", "value": "x"}).status_code == 404
        assert here.get(f"/v1/customers/{user}").json()["known"] is True


def test_ids_with_any_characters_are_told_apart(
    here: httpx.Client, name: Callable[[], str], template: Template
) -> None:
    """A slash, a percent sign, a space or an accent in an id: exactly the customer of that id is erased."""
    base = name()
    users = [f"{base}{end}" for end in ("", "/b", "/", "//", "/1b", "%2Fb", "/export", " b", "?x", "ü", ".")]
    for user in users:
        accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[0]})
    for place, user in enumerate(users):
        assert here.delete(_customer(user)).status_code == 200
        there = [here.get(_customer(one)).status_code for one in users]
        assert [404] * (place + 1) + [200] * (len(users) - place - 1) == there


def _past(user: str, number: int, event: str, **fields: object) -> Body:
    """An event of long ago."""
    whole = {"event": event, "event_id": f"{user}-{number}", "timestamp": _time(number), "user_id": user} | fields
    return {name: value for name, value in whole.items() if value is not None}


def _time(number: int) -> str:
    return f"{PAST + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"


def _customer(user: str) -> httpx.URL:
    return httpx.URL(f"/v1/customers/{quote(user, safe='')}")


def _wait_until_recorded(data: Path, decisions: list[str]) -> None:
    waiting = Waiting()
    while waiting(logged(data, "decision")["decision"].is_in(decisions).sum() < len(decisions)):
        pass


def _keys_of(data: Path, user: str) -> list[bytes]:
    """The keys in Redis that are named after the customer's subject."""
    with redis_of(data) as client:
        secret: bytes = client.get(keys.SECRET)
        return list(client.scan_iter(match=f"*{subject_of(secret, 'user_id', user).hex()}*", count=10_000))
