"""A repeated request_id gets the same answer, whoever answers it and whatever happened meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, accept, decided, ids_of, items_of, put

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
    """Events and catalogue changes since do not change what was answered; a new request_id sees them."""
    user = template.customers[60]
    made = _ask(here, user, "r-2")
    shown = ids_of(decided(here, user))[0]
    accept(here, {"event": "ignore", "user_id": user, "item_id": shown})
    put(here, {"id": shown, "available": False})
    assert [made] * 4 == [_ask(client, user, "r-2") for client in (there, here, here, here)]
    assert shown not in ids_of(decided(there, user, request_id="r-3"))
    put(here, {"id": shown, "available": True})


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
