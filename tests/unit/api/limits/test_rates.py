"""A visitor's bucket of events: all of a request or none, in the long run no more than the rate, and bounded memory."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.api.limits.rates import BURST_SECONDS, Rates, admit
from etappe.api.problems import RefusedError
from etappe.events.intake import Accepted
from etappe.events.trust import Sender
from etappe.events.vocabulary import Login
from etappe.settings import Limits

LIMITS = Limits(browser_events_per_second=2.0)
FULL = int(2.0 * BURST_SECONDS)
STRANGER = Sender(trusted=False, proves=lambda _: False)
PROVEN = Sender(trusted=False, proves=lambda _: True)


def test_a_full_bucket_and_then_the_rate() -> None:
    """A bucket's worth may come at once; then as many as it fills with, and it is told when."""
    rates = Rates(LIMITS)
    assert rates.take({1: FULL}, 100.0) == 0.0
    assert rates.take({1: 4}, 100.0) == 2.0
    assert rates.take({1: 4}, 101.0) == 1.0
    assert rates.take({1: 4}, 102.0) == 0.0
    assert rates.take({2: FULL}, 102.0) == 0.0


def test_what_is_larger_than_a_bucket_is_owed() -> None:
    """A batch of several buckets' worth passes a full one, and the next waits for all that is owed."""
    rates = Rates(LIMITS)
    assert rates.take({1: 3 * FULL}, 0.0) == 0.0
    assert rates.take({1: 1}, 0.0) == pytest.approx((2 * FULL + 1) / 2.0)
    assert rates.take({1: 3 * FULL}, 3 * BURST_SECONDS) == 0.0


def test_all_visitors_or_none() -> None:
    """Where one of a request's visitors sends too much, nothing is taken from the others."""
    rates = Rates(LIMITS)
    rates.take({1: FULL}, 0.0)
    assert rates.take({1: 1, 2: FULL}, 0.0) > 0.0
    assert rates.take({2: FULL}, 0.0) == 0.0


def test_memory_is_bounded() -> None:
    """Only the visitors heard of last are remembered, and they are still held to their bucket."""
    rates = Rates(LIMITS, visitors=10)
    for visitor in range(100):
        assert rates.take({visitor: FULL}, 0.0) == 0.0
    assert len(rates) == 10
    assert rates.take({99: 1}, 0.0) > 0.0


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 20)), max_size=40))
def test_never_more_than_bucket_and_rate(sent: list[tuple[int, float]]) -> None:
    """Whatever is sent when: what passes is no more than a bucket, the rate since, and the last request's own size."""
    rates, now, passed = Rates(LIMITS), 0.0, 0
    for count, pause in sent:
        now += pause
        wait = rates.take({1: count}, now)
        passed += 0 if wait else count
        assert passed <= FULL + 2.0 * now + 30 + 1e-6
        assert wait <= (FULL + 30) / 2.0 + 1e-6


def _request(kind: str | None, rates: Rates) -> Any:
    key = SimpleNamespace(kind=kind) if kind else None
    app = SimpleNamespace(state=SimpleNamespace(rates=rates))
    return cast("Any", SimpleNamespace(scope={"state": {"key": key}}, app=app))


def _events(accept: Any, count: int, **names: str | None) -> list[Accepted]:
    return [accept(f"e{n}", event="login", item_id=None, **names) for n in range(count)]


def test_servers_are_not_counted(accept: Any) -> None:
    """A secret key, and keys switched off, send as much as they like."""
    rates = Rates(LIMITS)
    for kind in ("secret", None):
        admit(_request(kind, rates), _events(accept, 10 * FULL), STRANGER)
    assert len(rates) == 0


def test_a_browser_is_told_to_wait(accept: Any) -> None:
    """A publishable key's visitor beyond their bucket is 429 with the seconds to wait; another is not hindered."""
    rates = Rates(LIMITS)
    admit(_request("publishable", rates), _events(accept, FULL), STRANGER)
    with pytest.raises(RefusedError) as raised:
        admit(_request("publishable", rates), _events(accept, 3), STRANGER)
    assert raised.value.status_code == 429
    assert raised.value.headers == {"retry-after": str(math.ceil(3 / 2.0))}
    assert "browser_events_per_second" in raised.value.detail
    admit(_request("publishable", rates), _events(accept, FULL, user_id="other"), STRANGER)


def test_a_name_alone_takes_nothing_from_who_gives_two(accept: Any) -> None:
    """Whoever floods in the name of a user_id does not shut out that user's own browser."""
    rates = Rates(LIMITS)
    admit(_request("publishable", rates), _events(accept, FULL, user_id="u"), STRANGER)
    admit(_request("publishable", rates), _events(accept, FULL, user_id="u", anonymous_id="browser"), STRANGER)


def test_a_flood_without_proof_shuts_nobody_out_who_has_it(accept: Any) -> None:
    """Whoever floods in a name has a bucket of their own, beside that of the browser that proves the name."""
    rates = Rates(LIMITS)
    admit(_request("publishable", rates), _events(accept, FULL, user_id="u"), STRANGER)
    with pytest.raises(RefusedError):
        admit(_request("publishable", rates), _events(accept, FULL, user_id="u"), STRANGER)
    admit(_request("publishable", rates), _events(accept, FULL, user_id="u"), PROVEN)


def test_events_have_the_names_that_are_counted() -> None:
    """The names that make a visitor are fields of every event."""
    assert {"user_id", "anonymous_id", "order_id"} <= set(Login.__struct_fields__)
