"""`PUT /v1/items`: in parts or whole, effective with the next request, all or nothing."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.acceptance.shop import Body, accept, decided, items_of, put

WHOLE: Body = {
    "title": "Lamp",
    "titles": {"de": "Lampe", "de-CH": "Lampi"},
    "category": "tests/lighting",
    "brand": "Alma",
    "price": 12.75,
    "prices": {"CHF": 13.5},
    "currency": "GBP",
    "url": "https://shop.example/lamp",
    "image": "/lamp.jpg",
    "available": True,
    "available_from": "2026-01-01T00:00:00Z",
    "floor_days": 3,
    "attributes": {"colour": "red", "sizes": [1, 2], "deep": {"er": None}},
}


@pytest.fixture
def item(here: httpx.Client, name: Callable[[], str]) -> str:
    """An item with all its fields."""
    made = f"lamp-{name()}"
    put(here, {"id": made, **WHOLE})
    return made


def _shown(client: httpx.Client, item: str, **more: Any) -> Body:
    placement = {"name": "p", "filter": {"id": item}}
    return items_of(decided(client, placements=[placement], **more))[0]


def test_all_fields_are_kept_and_shown(here: httpx.Client, there: httpx.Client, item: str) -> None:
    """What was put comes back whole, from every server, and lists show it."""
    for client in (here, there):
        assert {"id": item, **WHOLE, "available": True} == {"available": True, **client.get(f"/v1/items/{item}").json()}
        shown = _shown(client, item)
        expected = {name: WHOLE[name] for name in ("title", "category", "price", "currency", "url", "image")}
        assert expected == {name: shown[name] for name in expected}


def test_absent_fields_stay(there: httpx.Client, here: httpx.Client, item: str) -> None:
    """A patch changes what it names and nothing else, on all replicas."""
    put(there, {"id": item, "price": 9.5})
    assert {name: here.get(f"/v1/items/{item}").json().get(name, True) for name in WHOLE} == {**WHOLE, "price": 9.5}


@pytest.mark.parametrize("field", [name for name in WHOLE if name != "available"])
def test_null_takes_a_field_back(here: httpx.Client, item: str, field: str) -> None:
    """Null is the field's default; the others stay."""
    put(here, {"id": item, field: None})
    found = here.get(f"/v1/items/{item}").json()
    assert field not in found
    others = {name: value for name, value in WHOLE.items() if name not in (field, "available")}
    assert others == {name: found[name] for name in others}


def test_null_makes_available_again(here: httpx.Client, item: str) -> None:
    """An item is available unless it says otherwise."""
    put(here, {"id": item, "available": False})
    assert items_of(decided(here, placements=[{"name": "p", "filter": {"id": item}}])) == []
    put(here, {"id": item, "available": None})
    assert item == _shown(here, item)["id"]


def test_title_follows_the_locale(here: httpx.Client, item: str) -> None:
    """Titles are picked by the most particular language there is, else the item's own."""
    expected = {"de-CH": "Lampi", "de-DE": "Lampe", "de": "Lampe", "de_AT": "Lampe", "fr": "Lamp", None: "Lamp"}
    assert expected == {locale: _shown(here, item, locale=locale)["title"] for locale in expected}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"price": "dear"}, "items[1].price"),
        ({"price": -1}, "items[1].price"),
        ({"available": "yes"}, "items[1].available"),
        ({"available_until": "soon"}, "items[1].available_until"),
        ({"currency": "pounds"}, "items[1].currency"),
        ({"url": "javascript:alert(1)"}, "items[1].url"),
        ({"titles": {"en": 1}}, "items[1].titles[...]"),
        ({"floor_days": 1.5}, "items[1].floor_days"),
        ({"attributes": []}, "items[1].attributes"),
        ({"id": ""}, "items[1].id"),
        ({"id": None}, "items[1].id"),
        ({"colour": "red"}, "items[1]"),
    ],
)
def test_invalid_item_changes_nothing(
    here: httpx.Client, item: str, name: Callable[[], str], bad: Body, field: str
) -> None:
    """One bad item refuses the whole batch, and is told by index and field."""
    answer = here.put("/v1/items", json={"items": [{"id": item, "price": 1.0}, {"id": name(), **bad}]})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"].startswith(field)
    assert answer.json()["detail"].startswith(field)
    assert here.get(f"/v1/items/{item}").json()["price"] == 12.75


def test_unknown_field_is_named(here: httpx.Client) -> None:
    """A misspelt field is named, in the item and in the body."""
    for body in ({"items": [{"id": "a", "prize": 1}]}, {"items": [], "prize": 1}):
        answer = here.put("/v1/items", json=body)
        assert answer.status_code == 400
        assert "`prize`" in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"nonsense", b'{"items": {}}', b'{"items": [1]}', b"\xff"])
def test_body_that_is_none_is_refused(here: httpx.Client, content: bytes) -> None:
    """A body that holds no items is 400 with problem details."""
    answer = here.put("/v1/items", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_at_most_ten_thousand_items(here: httpx.Client) -> None:
    """10,001 items are refused as a whole; some thousand at once are all there when answered."""
    answer = here.put("/v1/items", json={"items": [{"id": f"x{n}"} for n in range(10_001)]})
    assert answer.status_code == 422
    assert here.get("/v1/items/x0").status_code == 404
    many = [{"id": f"bulk-{n}", "available": False} for n in range(1_200)]
    answer = here.put("/v1/items", json={"items": many})
    assert answer.json()["items"] == 1_200
    assert [here.get(f"/v1/items/bulk-{n}").status_code for n in (0, 600, 1_199)] == [200] * 3


def test_same_item_twice_in_a_batch_is_two_changes(here: httpx.Client, item: str) -> None:
    """Patches of one batch are applied in order."""
    put(here, {"id": item, "price": 1.0}, {"id": item, "brand": "Nord"}, {"id": item, "price": 2.0})
    found = here.get(f"/v1/items/{item}").json()
    assert (found["price"], found["brand"]) == (2.0, "Nord")


def test_no_items_is_no_change(here: httpx.Client) -> None:
    """An empty batch is answered."""
    assert here.put("/v1/items", json={"items": []}).json()["items"] == 0


def test_time_without_a_zone_is_the_shops(here: httpx.Client, item: str) -> None:
    """A time that names no zone is read in the shop's, and told with it."""
    put(here, {"id": item, "available_until": "2099-06-01T12:00:00"})
    assert here.get(f"/v1/items/{item}").json()["available_until"] == "2099-06-01T12:00:00Z"


def test_an_item_that_only_events_tell_of(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """It is in the catalogue when the answer comes, on every replica, with what the event says, until the shop tells."""
    item, properties = (
        f"live-{name()}",
        {"name": "Live thing", "category": "live > things", "image_url": "https://x/1.jpg"},
    )
    event = {
        "event": "purchase",
        "user_id": name(),
        "item_id": item,
        "price": 5.0,
        "currency": "EUR",
        "properties": properties,
    }
    accept(here, event)
    expected = {
        "id": item, "title": "Live thing", "category": "live/things", "price": 5.0, "currency": "EUR", "image": "https://x/1.jpg",
    }  # fmt: skip
    assert there.get(f"/v1/items/{item}").json() == {**expected, "stub": True}
    put(there, {"id": item, "title": "Lamp"})
    accept(here, {**event, "price": 7.0})
    assert here.get(f"/v1/items/{item}").json() == {**expected, "title": "Lamp"}


def test_browsers_make_no_items(here: httpx.Client, browser: httpx.Client, name: Callable[[], str]) -> None:
    """A publishable key may send what it likes: the catalogue stays the shop's."""
    item = f"made-up-{name()}"
    event = {"event": "view_item", "anonymous_id": name(), "item_id": item}
    assert browser.post("/v1/events", json={"events": [event]}).status_code == 202
    assert here.get(f"/v1/items/{item}").status_code == 404


def test_cost_is_nothing_for_browsers(here: httpx.Client, browser: httpx.Client, name: Callable[[], str]) -> None:
    """A publishable key is shown neither cost nor margin; no list has them for anybody."""
    item = f"lamp-{name()}"
    put(here, {"id": item, "title": "Lamp", "price": 9.0, "cost": 4.0, "margin": 55.5})
    assert here.get(f"/v1/items/{item}").json()["cost"] == 4.0
    assert not {"cost", "margin"} & set(browser.get(f"/v1/items/{item}").json())
    assert not {"cost", "margin"} & set(_shown(here, item))


def test_stock_of_stores(here: httpx.Client, name: Callable[[], str]) -> None:
    """Lists for those who fetch what they buy have what their store has."""
    item = f"lamp-{name()}"
    put(here, {"id": item, "title": "Lamp", "stores": {"berlin": 2, "bonn": 0}})
    for store, found in (("berlin", [item]), ("bonn", []), ("köln", [])):
        placement = {"name": "p", "filter": {"id": item, f"stores.{store}": {"gt": 0}}}
        assert [one["id"] for one in items_of(decided(here, placements=[placement]))] == found


def test_the_lowest_price_of_30_days(here: httpx.Client, name: Callable[[], str]) -> None:
    """A reduced item is shown with the lowest price that it had before; one that is not reduced without."""
    item = f"lamp-{name()}"
    for price, lowest in ((20.0, None), (15.0, 20.0), (12.0, 15.0), (18.0, None)):
        put(here, {"id": item, "price": price})
        assert _shown(here, item).get("lowest_30d") == lowest
        assert here.get(f"/v1/items/{item}").json().get("lowest_30d") == lowest


def test_postage_is_never_shown(here: httpx.Client, name: Callable[[], str]) -> None:
    """What is no product is in the catalogue and in no list, unless the shop says that it is one."""
    item = f"fee-{name()}"
    put(here, {"id": item, "title": "Versandkosten", "price": 4.9})
    assert items_of(decided(here, placements=[{"name": "p", "filter": {"id": item}}])) == []
    put(here, {"id": item, "product": True})
    assert _shown(here, item)["id"] == item


def test_ids_are_those_of_events(here: httpx.Client, name: Callable[[], str]) -> None:
    """An item is known by the id that events, lists and addresses have: trimmed, composed, whole numbers as such."""
    number, made, group = "90017850", f"größe-{name()}", f"g-{name()}"
    put(
        here,
        {"id": f"{number}.0", "title": "Lamp", "item_group_id": f" {group} "},
        {"id": f" gro\u0308ße{made[5:]}\u00a0"},
    )
    assert here.get(f"/v1/items/{number}").json() == {"id": number, "title": "Lamp", "item_group_id": group}
    assert here.get(f"/v1/items/{made}").json() == {"id": made}
    shown = items_of(decided(here, placements=[{"name": "p", "filter": {"item_group_id": group}}]))
    assert [one["id"] for one in shown] == [number]


@pytest.mark.parametrize(
    ("item", "field", "detail"),
    [
        ({"id": " NULL "}, "id", "items[1].id: ' NULL ' is nobody's by the settings ([values] nobody); name the item"),
        ({"id": "a\nb"}, "id", "items[1].id: 'a\\nb' is no id: it has control characters"),
        ({"id": "a", "item_group_id": "\0"}, "item_group_id", "items[1].item_group_id: '\\x00' is no id: it has control"),
    ],
)  # fmt: skip
def test_ids_that_are_none(here: httpx.Client, item: Body, field: str, detail: str) -> None:
    """An id that no event could name is refused with its place, and nothing of the request is taken."""
    answer = here.put("/v1/items", json={"items": [{"id": "none-of-them"}, item]})
    assert (answer.status_code, answer.json()["field"]) == (400, f"items[1].{field}")
    assert answer.json()["detail"].startswith(detail)
    assert here.get("/v1/items/none-of-them").status_code == 404


def test_a_category_of_a_feed_is_a_path(here: httpx.Client, name: Callable[[], str]) -> None:
    """Levels parted by an entity of HTML are levels."""
    plain = name()
    put(here, {"id": plain, "category": "Garten &amp; Hof &gt; Gie\u00dfkannen"})
    assert here.get(f"/v1/items/{plain}").json()["category"] == "Garten & Hof/Gie\u00dfkannen"
