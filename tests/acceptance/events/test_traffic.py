"""Unwanted traffic: in the log with the reason, in no customer's record, recognised when it is sent again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, Waiting, accept, decided, ids_of, logged

MOST = 5
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MAIL_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
UNWANTED = [
    ("bot", {"event": "view_item", "properties": {"user_agent": GOOGLEBOT}}),
    ("mail_proxy", {"event": "email_open", "properties": {"user_agent": MAIL_PROXY}}),
    ("staff", {"event": "purchase", "price": 1.0, "properties": {"staff": True}}),
    ("staff", {"event": "add_to_cart", "properties": {"traffic_type": "internal"}}),
]


@pytest.fixture(scope="module")
def strict(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server of a shop where a customer may have few events a minute."""
    data = copy_of()
    (data / "etappe.toml").write_text(f"[traffic]\nevents_per_minute = {MOST}\n")
    with Server(data) as server:
        yield server


@pytest.mark.parametrize(("flag", "event"), UNWANTED, ids=lambda value: value if isinstance(value, str) else "")
def test_flagged_events_are_kept_and_leave_no_trace(
    here: httpx.Client, shop: Path, template: Template, name: Callable[[], str], flag: str, event: Body
) -> None:
    """An event of unwanted traffic is accepted once, flagged in the log, and changes no record and no decision."""
    user, item = name(), template.items[0]
    accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[5]})
    before = _record(here, user)
    shown = ids_of(decided(here, user))
    sent = event | {"event_id": f"{user}-unwanted", "user_id": user, "item_id": item, "order_id": f"o-{user}"}
    accept(here, sent)
    assert _again(here, sent) == {"accepted": 0, "duplicate": 1, "rejected": []}
    assert before == _record(here, user)
    assert shown == ids_of(decided(here, user))
    rows = _rows(shop, [f"{user}-unwanted"])
    assert [(user, flag)] == rows.select("user_id", "flag").rows()


def test_unwanted_traffic_makes_no_customer(here: httpx.Client, name: Callable[[], str], template: Template) -> None:
    """Whoever is nothing but a crawler is no customer."""
    user, seen = name(), {"event": "view_item", "properties": {"user_agent": GOOGLEBOT}}
    accept(here, *(seen | {"user_id": user, "item_id": item} for item in template.items[:5]))
    assert here.get(f"/v1/customers/{user}").status_code == 404
    assert decided(here, user)["customer"]["known"] is False


def test_what_a_customer_wants_is_never_flagged(
    here: httpx.Client, name: Callable[[], str], template: Template
) -> None:
    """Consent and ignored items hold even where the event looks like a crawler's."""
    user, agent = name(), {"user_agent": GOOGLEBOT}
    item = ids_of(decided(here))[0]
    accept(here, {"event": "ignore", "user_id": user, "item_id": item, "properties": agent})
    assert item not in ids_of(decided(here, user, limit=100))


def test_too_many_events_a_minute_are_flagged(strict: Server, template: Template, name: Callable[[], str]) -> None:
    """Of one customer's minute only the first so many events count; in the next minute there is room again."""
    user = name()
    minute = [_view(user, number, "2026-03-01T12:00") for number in range(MOST + 3)]
    with strict.client(template.secret) as client:
        accept(client, *minute[:2])
        accept(client, *minute[2:])
        assert client.get(f"/v1/customers/{user}").json()["events"] == MOST
        assert _again(client, *minute) == {"accepted": 0, "duplicate": MOST + 3, "rejected": []}
        assert client.get(f"/v1/customers/{user}").json()["events"] == MOST
        accept(client, _view(user, MOST + 3, "2026-03-01T12:01"))
        assert client.get(f"/v1/customers/{user}").json()["events"] == MOST + 1
    rows = _rows(strict.data, [*(str(one["event_id"]) for one in minute), f"{user}-{MOST + 3}"]).sort("time")
    assert rows["flag"].to_list() == [None] * MOST + ["rate"] * 3 + [None]


def test_a_flood_without_proof_flags_nothing_of_the_shop(
    strict: Server, template: Template, name: Callable[[], str]
) -> None:
    """Whoever floods in a customer's name has their own count of the minute: the shop's events count as ever."""
    user = name()
    with strict.client(template.publishable) as stranger, strict.client(template.secret) as client:
        accept(stranger, *(_view(user, number, "2026-03-01T12:00") for number in range(MOST + 3)))
        assert client.get(f"/v1/customers/{user}").json()["events"] == MOST
        accept(client, *(_view(user, number, "2026-03-01T12:00") for number in range(MOST)))
        assert client.get(f"/v1/customers/{user}").json()["events"] == 2 * MOST


def test_lines_of_an_order_do_not_count(strict: Server, template: Template, name: Callable[[], str]) -> None:
    """An order of many lines is one act: all its lines count, and there is room for a minute's events beside it."""
    user = name()
    lines = [
        {"event": "purchase", "user_id": user, "item_id": item, "price": 2.0, "order_id": f"o-{user}"}
        | {"event_id": f"{user}-{item}", "timestamp": "2026-03-01T12:00:30Z"}
        for item in template.items[: 3 * MOST]
    ]
    with strict.client(template.secret) as client:
        accept(client, *lines)
        accept(client, *(_view(user, number, "2026-03-01T12:00") for number in range(MOST)))
        found = client.get(f"/v1/customers/{user}").json()
    assert (found["events"], found["orders"], found["revenue"]) == (4 * MOST, 1, 6.0 * MOST)


def _view(user: str, number: int, minute: str) -> Body:
    seen = {"event": "view_item", "user_id": user, "item_id": "COF-0001", "event_id": f"{user}-{number}"}
    return seen | {"timestamp": f"{minute}:{number:02d}Z"}


def _record(client: httpx.Client, user: str) -> Body:
    """What is known of a customer, but for how much it says by now."""
    found: Body = client.get(f"/v1/customers/{user}").json()
    for item in found["items"]:
        del item["weight"]
    return found


def _again(client: httpx.Client, *events: Body) -> Body:
    found: Body = client.post("/v1/events", json={"events": list(events)}).json()
    return found


def _rows(data: Path, event_ids: list[str]) -> pl.DataFrame:
    """The rows of these events, once all of them are in the log."""
    waiting = Waiting()
    while waiting(logged(data, "event")["event_id"].is_in(event_ids).sum() < len(event_ids)):
        pass
    rows = logged(data, "event")
    return rows.filter(rows["event_id"].is_in(event_ids))
