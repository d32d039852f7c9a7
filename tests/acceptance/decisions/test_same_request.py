"""A repeated request_id gets the same answer, whoever answers it, less what is forbidden by what happened meanwhile."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import redis
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Waiting, accept, decided, ids_of, items_of, logged, put, redis_of

TIMES = 30


def _ask(client: httpx.Client, user: str | None, request_id: str) -> bytes:
    customer = {"user_id": user} if user else {}
    body: Body = {"request_id": request_id, "customer": customer, "placements": [{"name": "p"}]}
    answer = client.post("/v1/decide", json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_answer_is_byte_equal_from_every_replica(
    here: httpx.Client, there: httpx.Client, template: Template, name: Callable[[], str]
) -> None:
    """The first answer is repeated byte for byte by the same and by other processes, at once."""
    for user in [*template.customers[: TIMES // 2], *(name() for _ in range(TIMES // 2))]:
        made = _ask(here, user, "r-1")
        assert [made] * 5 == [_ask(client, user, "r-1") for client in (there, here, here, here, there)]


def test_nameless_strangers_answer_is_repeated(
    here: httpx.Client, there: httpx.Client, name: Callable[[], str]
) -> None:
    """A request_id is enough: nobody needs a name."""
    for _ in range(TIMES):
        request_id = name()
        made = _ask(here, None, request_id)
        assert [made] * 3 == [_ask(client, None, request_id) for client in (there, here, here)]


def test_answer_outlives_changes(here: httpx.Client, there: httpx.Client, template: Template) -> None:
    """Events and new titles since do not change what was answered; a new request_id sees them."""
    user = template.customers[60]
    made = _ask(here, user, "r-2")
    shown = items_of(json.loads(made))[0]
    accept(here, {"event": "view_item", "user_id": user, "item_id": template.items[3]})
    put(here, {"id": shown["id"], "title": "renamed"})
    assert [made] * 4 == [_ask(client, user, "r-2") for client in (there, here, here, here)]
    assert "renamed" in [item["title"] for item in items_of(decided(there, user, limit=100, request_id="r-3"))]
    put(here, {"id": shown["id"], "title": shown["title"]})


def _less(made: bytes, *gone: str) -> Body:
    """An answer without some of its items, otherwise as it was."""
    answer: Body = json.loads(made)
    answer["placements"]["p"]["items"] = [item for item in items_of(answer) if item["id"] not in gone]
    return answer


def test_replay_is_held_against_what_is_forbidden_now(
    here: httpx.Client, there: httpx.Client, template: Template
) -> None:
    """What is sold out, ignored or bought since is missing from the replay, on every replica; all else is the same."""
    user = template.customers[70]
    made = _ask(here, user, "r-5")
    sold_out, ignored, bought = ids_of(json.loads(made))[1:4]
    put(here, {"id": sold_out, "available": False})
    assert [_less(made, sold_out)] * 3 == [json.loads(_ask(client, user, "r-5")) for client in (there, here, here)]
    line = {"order_id": "replayed", "item_id": bought, "price": 1.0, "currency": "GBP"}
    accept(
        here, {"event": "ignore", "user_id": user, "item_id": ignored}, {"event": "purchase", "user_id": user, **line}
    )
    left = _less(made, sold_out, ignored, bought)
    assert [left] * 3 == [json.loads(_ask(client, user, "r-5")) for client in (there, here, here)]
    put(here, {"id": sold_out, "available": True})
    back = _less(made, ignored, bought)
    assert [back] * 3 == [json.loads(_ask(client, user, "r-5")) for client in (there, here, here)]


def test_withdrawn_consent_is_not_answered_personally_again(
    here: httpx.Client, there: httpx.Client, template: Template
) -> None:
    """Who has denied since gets nothing of what was known of them: what is left of it any stranger might have seen."""
    user = template.customers[71]
    made: Body = json.loads(_ask(here, user, "r-6"))
    assert made["customer"]["known"] is True
    accept(here, {"event": "set_consent", "user_id": user, "properties": {"personalisation": False}})
    for client in (there, here, here):
        again = json.loads(_ask(client, user, "r-6"))
        assert (made["decision"], False) == (again["decision"], again["customer"]["known"])
        assert items_of(again) == [item for item in items_of(made) if item["reason"]["kind"] == "popular"]


def test_erased_customers_answers_are_gone(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """Once a customer is erased, their request_ids are new ones, asked by a stranger."""
    user = name()
    accept(here, {"event": "add_to_cart", "user_id": user, "item_id": "COF-0001"})
    made: Body = json.loads(_ask(here, user, "r-7"))
    assert here.delete(f"/v1/customers/{user}").status_code == 200
    answers = [json.loads(_ask(client, user, "r-7")) for client in (there, here)]
    assert [answer["customer"]["known"] for answer in answers] == [False, False]
    assert made["decision"] not in [answer["decision"] for answer in answers]


def test_replay_is_no_decision_more(here: httpx.Client, shop: Path, template: Template) -> None:
    """However often a request is repeated, changed by now or not, one decision is recorded."""
    user = template.customers[72]
    made: Body = json.loads(_ask(here, user, "r-8"))
    sold_out = ids_of(made)[0]
    _ask(here, user, "r-8")
    put(here, {"id": sold_out, "available": False})
    _ask(here, user, "r-8")
    put(here, {"id": sold_out, "available": True})
    waiting = Waiting()
    while waiting(not (recorded := _recorded(shop, made["decision"]))):
        pass
    assert len(recorded) == 1


def test_kept_answers_are_packed(browser: httpx.Client, shop: Path, name: Callable[[], str]) -> None:
    """What a publishable key makes Redis keep is a small part of what it is answered, and lapses."""
    placements = [{"name": f"p{number}", "limit": 50} for number in range(2)]
    with redis_of(shop) as store:
        before = _kept_bytes(store)
        told = 0
        for _ in range(20):
            answer = browser.post("/v1/decide", json={"request_id": name(), "placements": placements})
            assert answer.status_code == 200
            told += len(answer.content)
        assert 0 < _kept_bytes(store) - before < told / 3
        assert all(store.ttl(key) > 0 for key in store.scan_iter("etappe:*:answer*"))


def _kept_bytes(store: redis.Redis) -> int:
    return sum(store.memory_usage(key) or 0 for key in store.scan_iter("etappe:*:answer*"))


def _recorded(shop: Path, decision: str) -> list[str]:
    return [one for one in logged(shop, "decision")["decision"].to_list() if one == decision]


def test_request_ids_of_two_customers_are_two(here: httpx.Client, template: Template) -> None:
    """The same request_id of another customer is another request."""
    first, other = template.customers[61:63]
    assert _ask(here, first, "r-4") != _ask(here, other, "r-4")


def test_two_at_once_get_one_answer(here: httpx.Client, there: httpx.Client, template: Template) -> None:
    """Two replicas asked at the same time with one request_id give one answer."""
    with ThreadPoolExecutor(2) as pool:
        for turn in range(TIMES):
            user, request_id = template.customers[turn], f"at-once-{turn}"
            asked = [pool.submit(_ask, client, user, request_id) for client in (here, there)]
            first, other = (one.result() for one in asked)
            assert first == other


def test_same_state_gives_the_same_list(here: httpx.Client, there: httpx.Client, template: Template) -> None:
    """Without a request_id the list is the same while nothing changes, only decision and took_ms are new."""
    for user in template.customers[:20]:
        mine, yours = decided(here, user), decided(there, user)
        assert items_of(mine) == items_of(yours)
        assert mine["decision"] != yours["decision"]
        assert mine["snapshot"] == yours["snapshot"]
