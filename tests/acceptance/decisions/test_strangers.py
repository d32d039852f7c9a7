"""Never empty, never an error for a stranger; every item says where it came from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, accept, decided, ids_of, items_of, must, new_key, put

SOURCES = {"factors", "copurchase", "wishlist", "repurchase", "similar", "trending", "popular"}
"""The words of the contract."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A shop with no items, no events and no snapshot."""
    with Server(tmp_path_factory.mktemp("empty") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def lonely(empty: Server) -> Iterator[httpx.Client]:
    """A client of the empty shop."""
    with empty.client(new_key(empty.data, "secret")) as client:
        yield client


@pytest.mark.parametrize(
    "customer",
    [{}, {"user_id": "nobody"}, {"anonymous_id": "cookie"}, {"user_id": "nobody", "anonymous_id": "cookie"}],
)
def test_unknown_visitor_gets_a_full_list(here: httpx.Client, customer: dict[str, str]) -> None:
    """Whoever asks, known or not, gets a full list whose items all say their source and reason."""
    answer = decided(here, customer=customer)
    assert answer["customer"] == {"known": False, "stage": None, "segments": [], "persona": None}
    assert len(set(ids_of(answer))) == 10
    assert {"popular"} == {item["source"] for item in items_of(answer)}
    assert all(item["reason"]["text"] and item["reason"]["kind"] for item in items_of(answer))


def test_known_customers_lists_are_full_and_say_their_sources(here: httpx.Client, template: Template) -> None:
    """Known customers are served by what they did, in the contract's words, each list full and without repeats."""
    seen: set[str] = set()
    for user in template.customers[:40]:
        items = items_of(decided(here, user, limit=20))
        assert len({item["id"] for item in items}) == 20
        seen |= {item["source"] for item in items}
    assert {"factors", "copurchase"} <= seen <= SOURCES


def test_page_brings_what_goes_with_it(here: httpx.Client) -> None:
    """A stranger on an item's page is shown what its buyers bought, and not the item itself."""
    answer = decided(here, context={"item": "COF-0001", "page": "product"})
    assert "copurchase" in {item["source"] for item in items_of(answer)}
    assert "COF-0001" not in ids_of(answer)


@pytest.mark.parametrize("context", [{"item": "unheard-of"}, {"cart": ["unheard-of"]}, {"page": "search"}])
def test_unknown_item_on_the_page_is_no_error(here: httpx.Client, context: dict[str, object]) -> None:
    """A page about an item nobody told us of is served like any other."""
    assert len(ids_of(decided(here, context=context))) == 10


def test_list_is_filled_behind_a_narrow_filter(here: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """All three items of a narrow filter are found, for a stranger and for a known customer."""
    wanted = sorted(template.items[i] for i in (3, 77, 150))
    placement = {"name": "p", "limit": 3, "filter": {"id": wanted}}
    put(here, *({"id": item, "available": True} for item in wanted))
    known = name()
    accept(here, {"event": "view_item", "user_id": known, "item_id": "COF-0001"})
    for user in (None, known):
        assert len(wanted) == len(ids_of(decided(here, user, placements=[placement])))


def test_whole_catalogue_is_reached(here: httpx.Client, template: Template) -> None:
    """A list of 80 is 80 long for everyone, over and beyond what a model suggests."""
    for user in (None, "nobody", *template.customers[:5]):
        assert len(set(ids_of(decided(here, user, limit=80)))) == 80


def test_empty_shop_answers(lonely: httpx.Client) -> None:
    """No items, no snapshot, no customers: an empty list and 200, on every page."""
    for context in ({}, {"item": "a", "cart": ["b"]}):
        answer = decided(lonely, "someone", context=context)
        assert None is answer["snapshot"]
        assert items_of(answer) == []
    assert lonely.get("/v1/popular").json() == {"snapshot": None, "items": []}
    assert lonely.get("/v1/items/a/related").status_code == 404
    assert lonely.get("/readyz").status_code == 200


def test_shop_without_a_snapshot_shows_its_items(lonely: httpx.Client) -> None:
    """With items alone, lists are filled from the catalogue; events change them all the same."""
    put(lonely, *({"id": f"i{number}", "title": f"Item {number}", "price": 1.0} for number in range(5)))
    answer = decided(lonely, "someone")
    assert {f"i{number}" for number in range(5)} == set(ids_of(answer))
    assert {"popular"} == {item["source"] for item in items_of(answer)}
    accept(lonely, {"event": "ignore", "user_id": "someone", "item_id": "i3"})
    assert {"i0", "i1", "i2", "i4"} == set(ids_of(decided(lonely, "someone")))
    assert len(lonely.get("/v1/popular").json()["items"]) == 5
    assert lonely.get("/v1/items/i1/related").json()["items"] == []
    put(lonely, *({"id": f"i{number}", "available": False} for number in range(5)))
    assert items_of(decided(lonely, "someone")) == []


def test_customer_without_items_is_known(here: httpx.Client, name: Callable[[], str]) -> None:
    """A customer who only logged in is known, and shown what strangers are shown."""
    user = name()
    accept(here, {"event": "login", "user_id": user})
    answer = decided(here, user)
    assert True is answer["customer"]["known"]
    assert ids_of(decided(here)) == ids_of(answer)


def test_command_line_answers_for_an_empty_shop(tmp_path: Path) -> None:
    """`etappe decide` needs nothing to be there."""
    assert "snapshot none yet" in must(tmp_path / "data", "decide")


def test_content_placement_is_answered(here: httpx.Client) -> None:
    """A placement for content is there, empty until there are pieces."""
    placements = [{"name": "hero", "kind": "content", "limit": 1}, {"name": "p"}]
    answer = decided(here, placements=placements)
    assert answer["placements"]["hero"] == {"content": []}
    assert len(ids_of(answer)) == 10
