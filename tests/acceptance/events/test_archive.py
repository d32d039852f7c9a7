"""No accepted event is lost or counted twice: by stopping, by `kill -9` of any process, by a retry."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, Waiting, decided, ids_of, logged, valkey_of

EVENTS = 20
"""Events in a batch."""


def _batch(mark: str, number: int) -> list[Body]:
    return [
        {"event": "view_item", "event_id": f"{mark}-{number}-{n}", "user_id": f"{mark}-{n}", "item_id": f"i{number}"}
        for n in range(EVENTS)
    ]


def _send(client: httpx.Client, mark: str, number: int) -> int:
    """How many of a batch were accepted or known already; 0 where no answer came."""
    try:
        answer = client.post("/v1/events", json={"events": _batch(mark, number)})
    except httpx.TransportError:
        return 0
    return answer.json()["accepted"] + answer.json()["duplicate"] if answer.status_code == 202 else 0


def _ids(data: Path, mark: str) -> list[str]:
    """All event ids in the log that begin with a mark, sorted, repeats too."""
    found = logged(data, "event").filter(pl.col("event_id").str.starts_with(mark))
    return sorted(found["event_id"].to_list())


def _sent(mark: str, numbers: range) -> list[str]:
    return sorted(event["event_id"] for number in numbers for event in _batch(mark, number))


@pytest.fixture
def own(copy_of: Callable[[], Path]) -> Path:
    """A shop of one's own."""
    return copy_of()


def test_events_and_decisions_reach_the_log_while_serving(shop: Path, here: httpx.Client, template: Template) -> None:
    """What was accepted and decided is in the log soon, each once, with all it said."""
    assert _send(here, "while", 0) == EVENTS
    answer = decided(here, template.customers[5], locale="de-DE", channel="app", context={"item": "COF-0001"})
    waiting = Waiting()
    while waiting(
        len(_ids(shop, "while")) < EVENTS
        or logged(shop, "decision").filter(pl.col("decision") == answer["decision"]).is_empty()
    ):
        pass
    assert _sent("while", range(1)) == _ids(shop, "while")
    row = logged(shop, "decision").filter(pl.col("decision") == answer["decision"]).row(0, named=True)
    record = pl.Series([row["record"]]).str.json_decode(
        pl.Struct(
            {
                "channel": pl.String,
                "locale": pl.String,
                "snapshot": pl.String,
                "state": pl.String,
                "shown": pl.Struct({"p": pl.List(pl.Struct({"id": pl.String, "position": pl.Int64}))}),
            }
        )
    )[0]
    assert ("app", "de-DE", answer["snapshot"]) == (record["channel"], record["locale"], record["snapshot"])
    assert ids_of(answer) == [one["id"] for one in record["shown"]["p"]]
    assert list(range(10)) == [one["position"] for one in record["shown"]["p"]]
    assert row["subject"] is not None
    assert record["state"]


def test_stopping_archives_everything(own: Path, template: Template) -> None:
    """SIGTERM: exit 0, and all events, decisions and item changes accepted up to then are in the log."""
    with Server(own, workers=2) as server:
        with server.client(template.secret) as client:
            taken = [_send(client, "stop", number) for number in range(20)]
            made = [decided(client, user)["decision"] for user in template.customers[:20]]
            client.put("/v1/items", json={"items": [{"id": "last-minute"}]})
        code = server.stop()
        assert code == 0
        assert taken == [EVENTS] * 20
        assert _sent("stop", range(20)) == _ids(own, "stop")
        assert set(made) <= set(logged(own, "decision")["decision"].to_list())
        assert logged(own, "config").filter(pl.col("payload").str.contains("last-minute")).height == 1
        assert "Traceback" not in server.said
        assert set() == server.family()


@pytest.mark.parametrize("victim", ["serving", "worker", "store", "all"])
def test_kill_loses_nothing(own: Path, template: Template, victim: str) -> None:
    """After `kill -9` in the middle of a stream of batches, every accepted event is in the log, and once."""
    mark = f"kill-{victim}"
    with Server(own) as server, server.client(template.secret) as client:
        before = [_send(client, mark, number) for number in range(10)]
        _kill(server, victim)
        during = [_send(client, mark, number) for number in range(10, 20)]
        if victim != "all":
            retried = [_until_taken(client, mark, number) for number in range(20)]
            assert retried == [EVENTS] * 20
            server.wait_until_ready()
            assert server.stop() == 0
    assert before == [EVENTS] * 10
    if victim == "all":
        with Server(own) as server:
            assert server.stop() == 0
        accepted = [number for number, taken in enumerate([*before, *during]) if taken]
        assert set(_sent(mark, range(10))) <= set(_ids(own, mark))
        assert list(range(10)) == accepted
    else:
        assert _sent(mark, range(20)) == _ids(own, mark)


def test_killed_processes_come_back(own: Path, template: Template) -> None:
    """A serving process and a worker that were killed are started again, and decisions are made as before."""
    with Server(own) as server, server.client(template.secret) as client:
        before = ids_of(decided(client, template.customers[0]))
        gone = {server.serving()[0], server.worker()}
        for pid in gone:
            os.kill(pid, signal.SIGKILL)
        waiting = Waiting()
        while waiting(len(server.serving()) < 1 or bool(gone & server.family()) or not _workers(server)):
            pass
        server.wait_until_ready()
        assert before == ids_of(decided(client, template.customers[0]))


def _workers(server: Server) -> bool:
    try:
        return bool(server.worker())
    except StopIteration:
        return False


def _kill(server: Server, victim: str) -> None:
    if victim == "all":
        server.kill()
        return
    pid = {"serving": lambda: server.serving()[0], "worker": server.worker, "store": lambda: valkey_of(server.data)}
    os.kill(pid[victim](), signal.SIGKILL)


def _until_taken(client: httpx.Client, mark: str, number: int) -> int:
    waiting = Waiting()
    while waiting(not (taken := _send(client, mark, number))):
        pass
    return taken
