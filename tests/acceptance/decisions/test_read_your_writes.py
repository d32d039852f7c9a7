"""An accepted event changes the very next decision, on every replica, with no retraining."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Waiting, accept, decided, ids_of, items_of, redis_of

from etappe.ids import subject_of
from etappe.store import keys
from etappe.store.records import envelope

TIMES = 50
"""In a row: enough to meet every process of both servers, and to meet a race."""


@pytest.fixture
def replicas(here: httpx.Client, there: httpx.Client) -> list[httpx.Client]:
    """Clients of both servers; behind the first any of two processes answers."""
    return [here, there]


def test_purchase_is_not_shown_again(
    here: httpx.Client, replicas: list[httpx.Client], template: Template, name: Callable[[], str]
) -> None:
    """What was just bought is gone from the next answer of every replica, 50 times in a row."""
    for turn in range(TIMES):
        user, asked = name(), replicas[turn % 2]
        bought = ids_of(decided(asked, user))[turn % 10]
        accept(here, {"event": "purchase", "user_id": user, "item_id": bought, "price": 1.0, "order_id": f"o-{user}"})
        assert bought not in ids_of(decided(asked, user, limit=100))
        assert bought not in ids_of(decided(replicas[1 - turn % 2], user, limit=100))


def test_ignored_is_never_shown_again(
    there: httpx.Client, replicas: list[httpx.Client], template: Template, name: Callable[[], str]
) -> None:
    """What a known customer ignores is gone from the next answer of every replica, 50 times in a row."""
    for turn in range(TIMES):
        user, asked = template.customers[turn], replicas[turn % 2]
        unwanted = ids_of(decided(asked, user))[0]
        accept(there, {"event": "ignore", "user_id": user, "item_id": unwanted})
        assert unwanted not in ids_of(decided(asked, user, limit=100))
        assert unwanted not in ids_of(decided(replicas[1 - turn % 2], user, limit=100))


def test_view_brings_what_goes_with_it(
    here: httpx.Client, replicas: list[httpx.Client], template: Template, name: Callable[[], str]
) -> None:
    """The item just looked at is what the next answer of every replica speaks of, 50 times in a row."""
    with_company = [item for item in template.items if _company(here, item)]
    assert len(with_company) > 10
    for turn in range(TIMES):
        user, seen = name(), with_company[turn % len(with_company)]
        accept(here, {"event": "view_item", "user_id": user, "item_id": seen})
        for asked in replicas:
            answer = decided(asked, user)
            assert answer["customer"]["known"] is True
            assert seen in {item["reason"].get("with") for item in items_of(answer)}


def test_trait_and_consent_are_read_at_once(
    here: httpx.Client, replicas: list[httpx.Client], template: Template, name: Callable[[], str]
) -> None:
    """Traits are read, and consent withdrawn makes a stranger, with the next request of every replica."""
    for turn in range(TIMES):
        user, asked = name(), replicas[turn % 2]
        accept(here, {"event": "set_traits", "user_id": user, "properties": {"country": "Norway", "turn": turn}})
        assert {"country": "Norway", "turn": turn} == asked.get(f"/v1/customers/{user}").json()["traits"]
        assert decided(asked, user)["customer"]["known"] is True
        accept(here, {"event": "set_consent", "user_id": user, "properties": {"personalisation": False}})
        assert decided(asked, user)["customer"]["known"] is False


def test_events_of_one_batch_count_together(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """A batch over several customers is in all their next answers."""
    users = [name() for _ in range(20)]
    accept(here, *({"event": "view_item", "user_id": user, "item_id": "nothing-we-sell"} for user in users))
    assert [decided(there, user)["customer"]["known"] for user in users] == [True] * 20


def test_session_outlasts_the_fold_of_its_tail(
    here: httpx.Client, shop: Path, template: Template, name: Callable[[], str]
) -> None:
    """Whether the worker has folded a long tail makes no difference to the answer, but for the rounding of weights."""
    user = name()
    seen = next(item for item in template.items if _company(here, item))
    earlier = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    others = [f"elsewhere-{number}" for number in range(80)]
    accept(here, {"event": "view_item", "user_id": user, "item_id": seen})
    before = decided(here, user)
    assert seen in {item["reason"].get("with") for item in items_of(before)}
    accept(
        here,
        *({"event": "login", "user_id": user, "timestamp": earlier, "properties": {"at": item}} for item in others),
    )
    waiting = Waiting()
    while waiting(bool(_tail_of(shop, user))):
        pass
    folded = items_of(decided(here, user))
    for item in folded:
        item["score"] = pytest.approx(item["score"], rel=2e-3, abs=1e-5)
    assert items_of(before) == folded


def _company(client: httpx.Client, item: str) -> bool:
    answer = client.get(f"/v1/items/{item}/related", params={"limit": 3}).json()
    return len(answer["items"]) == 3


def _tail_of(shop: Path, user: str) -> bytes:
    client = redis_of(shop)
    secret: Any = client.get(keys.SECRET)
    found: Any = client.get(keys.record(subject_of(secret, "user_id", user)))
    return envelope.opened(found).tail
