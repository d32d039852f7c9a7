"""`etappe rebuild`: Redis may be lost whole, and answers are what they were."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, Waiting, accept, decided, inside, logged, put, redis_of, stop_store

ANNA: Final = {"user_id": "anna"}
"""A customer of three identities."""
BROWSERS: Final = ("anna-phone", "home-tablet", "ben-laptop", "carl-work")


def _event(number: str, event: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": number, "event": event, **fields}


def _history(items: list[str]) -> list[dict[str, Any]]:
    """What happened in the shop: people with browsers, some of which they share."""
    a, b, c, d, e = items[:5]
    order = {"order_id": "o-1", "price": 9.5, "quantity": 2}
    granted, denied = {"personalisation": True, "email": False, "text_version": "3"}, {"personalisation": False}
    return [
        _event("a1", "view_item", anonymous_id="anna-phone", item_id=a),
        _event("a2", "add_to_wishlist", anonymous_id="anna-phone", item_id=b),
        _event("a3", "login", user_id="anna", anonymous_id="anna-phone"),
        _event("a4", "purchase", user_id="anna", item_id=c, **order, properties={"email": "Anna@Example.com"}),
        _event("a5", "ignore", user_id="anna", item_id=d),
        _event("a6", "set_traits", user_id="anna", properties={"country": "AT"}),
        _event("a7", "set_consent", user_id="anna", properties=granted),
        _event("a8", "rate", user_id="anna", item_id=a, properties={"rating": 5}),
        _event("t1", "view_item", anonymous_id="home-tablet", item_id=e),
        _event("t2", "login", user_id="anna", anonymous_id="home-tablet"),
        _event("t3", "login", user_id="ben", anonymous_id="home-tablet"),
        _event("b1", "purchase", user_id="ben", item_id=a, order_id="o-2", price=3.0),
        _event("b2", "login", user_id="ben", anonymous_id="ben-laptop"),
        _event("b3", "add_to_cart", anonymous_id="ben-laptop", item_id=b),
        _event("c1", "view_item", anonymous_id="carl-work", item_id=b),
        _event("c2", "login", user_id="carl", anonymous_id="carl-work"),
        _event("c3", "purchase", user_id="carl", item_id=e, order_id="o-3", price=4.0),
        _event("d1", "view_item", user_id="dora", item_id=a),
        _event("d2", "set_consent", user_id="dora", properties=denied),
        _event("d3", "view_item", user_id="dora", item_id=b),
        _event("e1", "purchase", user_id="emil", item_id=b, order_id="o-4", price=4.0),
        _event("e2", "login", user_id="emil", anonymous_id="emil-phone"),
    ]


def _answers(client: httpx.Client, people: list[dict[str, str]]) -> dict[str, Any]:
    """Decisions, customers and identities, without what differs from one time to the next."""
    found: dict[str, Any] = {}
    for person in people:
        answer = decided(client, limit=12, customer=person, explain=True)
        for filled in answer["placements"].values():
            for item in filled["items"]:  # weights are rounded where tails are folded
                item["score"] = pytest.approx(item["score"], rel=2e-3, abs=1e-5)
        found[str(person)] = {name: value for name, value in answer.items() if name not in ("decision", "took_ms")}
    for user in ("anna", "ben", "carl", "dora", "emil"):
        shown = client.get(f"/v1/customers/{user}")
        told = shown.json() if shown.status_code == 200 else shown.status_code
        for item in told.get("items", []) if isinstance(told, dict) else []:
            item["weight"] = pytest.approx(item["weight"], rel=1e-2)
        found[user] = told, client.get(f"/v1/customers/{user}/identities").json()
    return found


@pytest.mark.parametrize("loss", ["emptied", "folder", "nothing"])
def test_answers_are_equal(copy_of: Callable[[], Path], template: Template, loss: str) -> None:
    """Whether Redis was emptied, its folder lost, or nothing happened: after a rebuild every answer is what it was."""
    data = copy_of()
    people: list[dict[str, str]] = [{"user_id": user} for user in (*template.customers[:5], "anna", "ben", "carl")]
    people += [{"user_id": user} for user in ("dora", "emil", "nobody")] + [{"anonymous_id": one} for one in BROWSERS]
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, *_history(template.items))
        put(client, {"id": template.items[5], "available": False}, {"id": "new", "title": "New", "price": 1.0})
        assert client.delete("/v1/customers/emil").status_code == 200
        parted = client.delete("/v1/customers/carl/identities", params={"kind": "anonymous_id", "value": "carl-work"})
        assert parted.json()["rebuilt"] is True
        before = _answers(client, people)
        server.stop()
    assert before["emil"][0] == 404
    assert len(before["anna"][1]["identities"]) == 4
    _lose(data, loss)
    ran = inside(data, "rebuild")
    assert ran.code == 0, ran.err
    with Server(data) as server:
        with server.client(template.secret) as client:
            assert _answers(client, people) == before
            again = client.post("/v1/events", json={"events": _history(template.items)[:1]})
            assert again.json()["duplicate"] == 1
            late = client.post("/v1/events", json={"events": [_late("emil")]})
            assert "erased" in late.json()["rejected"][0]["reason"]
        with server.client(template.publishable) as browser:
            assert browser.get("/v1/customers/anna").status_code == 403
        with server.client("sk_wrong") as stranger:
            assert stranger.get("/v1/customers/anna").status_code == 401


def _late(user: str) -> dict[str, Any]:
    return _event("late", "view_item", user_id=user, item_id="x", timestamp="2026-01-01T00:00:00Z")


def _lose(data: Path, loss: str) -> None:
    if loss == "folder":
        stop_store(data)
        shutil.rmtree(data / "valkey")
        shutil.rmtree(data / "catalogue")
    if loss == "emptied":
        with Server(data):
            redis_of(data).flushall()


def test_servers_are_refused(shop: Path, first: Server) -> None:
    """Nothing is rebuilt under a server that is answering; the message says what to do."""
    ran = inside(shop, "rebuild")
    assert ran.code == 1
    assert "stop every `etappe serve`" in ran.err


def test_new_events_go_on(copy_of: Callable[[], Path], template: Template) -> None:
    """After a loss and a rebuild, new events and new items are in log and answers."""
    data = copy_of()
    with Server(data):
        pass
    stop_store(data)
    shutil.rmtree(data / "valkey")
    assert inside(data, "rebuild").code == 0
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _event("later", "view_item", user_id="fay", item_id=template.items[0]))
        put(client, {"id": "later", "title": "Later", "price": 1.0})
        waiting = Waiting()
        while waiting("later" not in logged(data, "event")["event_id"].to_list()):
            pass
        assert client.get("/v1/customers/fay").json()["events"] == 1
        assert client.get("/v1/items/later/related").status_code == 200
