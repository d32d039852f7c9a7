"""What a browser's key can do, and what it cannot: its ids, its orders, and an account whose browser it says it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Waiting, accept, decided, ids_of, logged

SALE = {"event": "purchase", "price": 7.0, "currency": "GBP"}


def test_a_browser_takes_no_id_from_the_shop(
    here: httpx.Client, browser: httpx.Client, template: Template, name: Callable[[], str]
) -> None:
    """Whatever a browser calls its events, in its own form too, the shop's purchase of that id counts; its repeats do not."""
    user, item = name(), template.items[0]
    for event_id in (f"{user}-1", f"b:{user}-1"):
        view = {"event": "view_item", "event_id": event_id, "user_id": user, "item_id": item}
        accept(browser, view)
        again = browser.post("/v1/events", json={"events": [view]}).json()
        assert (again["accepted"], again["duplicate"]) == (0, 1)
        accept(here, SALE | {"event_id": event_id, "user_id": user, "item_id": item, "order_id": event_id})
    shown = here.get(f"/v1/customers/{user}").json()
    assert (shown["orders"], shown["revenue"], shown["events"]) == (2, 14.0, 4)


def test_other_systems_clients_have_ids_of_their_keys(first: Any, template: Template, name: Callable[[], str]) -> None:
    """Segment's and GA4's clients in a browser take no id from those of the shop's servers either."""
    user = name()
    message = {"type": "track", "event": "Product Viewed", "userId": user, "messageId": f"{user}-m"}
    message["properties"] = {"product_id": template.items[0]}  # type: ignore[assignment]
    body = {"client_id": "c", "user_id": user, "timestamp_micros": 1767225600000000}
    body["events"] = [{"name": "view_item", "params": {"items": [{"item_id": template.items[0]}]}}]
    with first.client(None) as client:
        for key in (template.publishable, template.secret):
            sent = client.post("/v1/segment/track", json=message, auth=(key, "")).json()
            assert (sent["accepted"], sent["duplicate"]) == (1, 0)
            assert client.post("/mp/collect", params={"api_secret": key}, json=body).status_code == 204
    with first.client(template.secret) as client:
        assert client.get(f"/v1/customers/{user}").json()["items"][0]["views"] == 4


def test_orders_of_a_browser_are_claims(
    here: httpx.Client, browser: httpx.Client, shop: Path, name: Callable[[], str]
) -> None:
    """A claim holds its item back in that browser and is no sale; the server's order, which it is replaced by, is one."""
    visitor = name()
    bought, other = ids_of(decided(browser))[:2]
    line = SALE | {"anonymous_id": visitor, "order_id": f"{visitor}-1", "event_id": f"{visitor}-line"}
    accept(browser, line | {"item_id": bought}, line | {"item_id": other, "event_id": f"{visitor}-other"})
    assert _shown(browser, visitor, bought, other) == set()
    accept(here, line | {"item_id": bought})
    assert {other} == _shown(browser, visitor, bought, other)
    rows = _rows(shop, visitor, 3)
    assert {(f"b:{visitor}-line", True), (f"b:{visitor}-other", True), (f"{visitor}-line", None)} == set(rows)


def _shown(client: httpx.Client, visitor: str, *items: str, **customer: str) -> set[str]:
    """Which of `items` may be shown to this browser."""
    placements = [{"name": "p", "filter": {"id": list(items)}}]
    return set(ids_of(decided(client, customer={"anonymous_id": visitor} | customer, placements=placements)))


def _rows(shop: Path, visitor: str, count: int) -> list[tuple[str, bool | None]]:
    """The ids of the visitor's events in the log, once there are so many, and whether they are claims."""
    waiting, rows = Waiting(), logged(shop, "event")
    while waiting((found := rows.filter(rows["anonymous_id"] == visitor)).height < count):
        rows = logged(shop, "event")
    return list(found.select("event_id", "claim").iter_rows())
