"""Many requests of one moment: they wait for their turn, and what there is no time for is told at once."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, accept, decided, ids_of, valkey_of

SLOW: Final = "[store]\nbudget_ms = 5000\n"
"""Redis may take its time on a machine that does other things as well."""
PATIENT: Final = f"{SLOW}[limits]\ndecision_wait_ms = 60000\nevent_wait_ms = 60000\n"
"""Bursts wait as long as it takes on this machine."""
IMPATIENT: Final = f"{SLOW}[limits]\ndecisions_at_once = 1\ndecisions_in_line = 1\ndecision_wait_ms = 0.001\n"


def _served(data: Path, limits: str) -> Server:
    (data / "etappe.toml").write_text(limits)
    return Server(data)


@pytest.fixture(scope="module")
def patient(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server whose bursts wait."""
    with _served(copy_of(), PATIENT) as server:
        yield server


def _burst(server: Server, key: str, path: str, bodies: list[Body]) -> list[httpx.Response]:
    """The answers to requests that are sent at one time, each over a connection of its own."""

    async def sending() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, limits=limits, timeout=60, trust_env=False
        ) as client:
            return list(await asyncio.gather(*(client.post(path, json=body) for body in bodies)))

    return asyncio.run(sending())


def test_burst_of_events_is_accepted(patient: Server, template: Template) -> None:
    """400 requests with an event each, at one time: all are accepted."""
    bodies: list[Body] = [
        {"events": [{"event": "view_item", "event_id": f"burst-{number}", "user_id": f"b{number}", "item_id": "i"}]}
        for number in range(400)
    ]
    answers = _burst(patient, template.secret, "/v1/events", bodies)
    assert Counter(answer.status_code for answer in answers) == {202: 400}
    assert sum(answer.json()["accepted"] for answer in answers) == 400


def test_burst_of_decisions_is_answered_from_records(patient: Server, template: Template) -> None:
    """150 decisions at one time for customers who ignored something: none is degraded, none shows it."""
    with patient.client(template.secret) as client:
        shown = ids_of(decided(client))[:3]
        ignored = {f"burst-{number}": shown[number % len(shown)] for number in range(150)}
        for user, item in ignored.items():
            accept(client, {"event": "ignore", "user_id": user, "item_id": item})
    bodies: list[Body] = [{"customer": {"user_id": user}, "placements": [{"name": "p"}]} for user in ignored]
    answers = _burst(patient, template.secret, "/v1/decide", bodies)
    assert Counter(answer.status_code for answer in answers) == {200: 150}
    for answer, item in zip(answers, ignored.values(), strict=True):
        assert "degraded" not in answer.json()
        assert item not in ids_of(answer.json())


def test_degraded_answer_holds_back_what_was_known_to_be_forbidden(patient: Server, template: Template) -> None:
    """Redis hangs: who ignored an item through this process, or was decided for by it since, is not shown it."""
    with patient.client(template.secret) as client:
        first, second, third = ids_of(decided(client))[:3]
        for user, item in (("heard", first), ("seen", second)):
            accept(client, {"event": "ignore", "user_id": user, "item_id": item})
        decided(client, "seen")
        pid = valkey_of(patient.data)
        os.kill(pid, signal.SIGSTOP)
        try:
            heard, seen, unknown = (decided(client, user) for user in ("heard", "seen", "never seen"))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert [answer["degraded"] for answer in (heard, seen, unknown)] == [True] * 3
        assert [answer["customer"]["known"] for answer in (heard, seen, unknown)] == [False] * 3
        assert first not in ids_of(heard)
        assert second not in ids_of(seen)
        assert {first, second, third} <= set(ids_of(unknown))
        assert len(ids_of(heard)) == len(ids_of(unknown))
        assert "etappe_decisions_held_back_total 2.0" in client.get("/metrics").text


def test_too_much_is_refused_at_once_and_health_is_told(copy_of: Callable[[], Path], template: Template) -> None:
    """A process that lets nobody wait answers some, none of them degraded, and refuses the rest with when to come back."""
    bodies: list[Body] = [
        {"customer": {"user_id": user}, "placements": [{"name": "p", "limit": 100}]}
        for user in template.customers[:300]
    ]
    with _served(copy_of(), IMPATIENT) as server:
        answers = _burst(server, template.secret, "/v1/decide", bodies)
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {200, 503}
        for answer in answers:
            if answer.status_code == 503:
                assert answer.headers["retry-after"] == "1"
                assert answer.headers["content-type"] == "application/problem+json"
            else:
                assert "degraded" not in answer.json()
        with server.client(None) as client:
            assert client.get("/healthz").status_code == 200
            assert f'etappe_refused_total{{what="decisions"}} {float(statuses[503])}' in client.get("/metrics").text
