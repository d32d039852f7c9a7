"""A Redis that loses what it had while servers answer from it: nothing is taken or told until it is rebuilt."""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
from tests.acceptance.conftest import Template
from tests.acceptance.shop import (
    Body,
    Server,
    Waiting,
    accept,
    decided,
    etappe,
    ids_of,
    inside,
    items_of,
    logged,
    redis_of,
    stop_store,
    valkey_of,
)

Copy = Callable[[], Path]
SECONDS: Final = 2.0
SETTINGS: Final = f"[store]\nlease_seconds = {SECONDS}\n"


def _view(number: str, user: str, item: str) -> Body:
    return {"event_id": number, "event": "view_item", "user_id": user, "item_id": item}


def _denial(number: str, user: str) -> Body:
    said = {"personalisation": False}
    return {"event_id": number, "event": "set_consent", "user_id": user, "properties": said}


def _wait_until_logged(data: Path, *numbers: str) -> None:
    waiting = Waiting()
    while waiting(not {*numbers} <= set(logged(data, "event")["event_id"].to_list())):
        pass


def _wait_until_erased(data: Path) -> None:
    waiting = Waiting()
    while waiting("erase" not in logged(data, "identity")["action"].to_list()):
        pass


def _wait_for(client: httpx.Client, status: int) -> Body:
    waiting = Waiting()
    while waiting((answer := client.get("/readyz")).status_code != status):
        pass
    found: Body = answer.json()
    return found


def _wait_until_refused(client: httpx.Client) -> Body:
    """What readiness says of a Redis that is there, and is not the one that was left."""
    waiting = Waiting()
    while waiting("reason" not in (said := client.get("/readyz").json())):
        pass
    assert client.get("/readyz").status_code == 503
    found: Body = said
    return found


def _is_refused(client: httpx.Client, template: Template, item: str) -> None:
    """Whether nothing is taken and nobody known, with what to do."""
    asks: list[tuple[str, str, Body | None]] = [
        ("POST", "/v1/events", {"events": [_view("refused", "dora", item)]}),
        ("PUT", "/v1/customers/dora/consent", {"purposes": {"personalisation": True}}),
        ("PUT", "/v1/items", {"items": [{"id": "refused"}]}),
        ("GET", "/v1/customers/dora", None),
        ("GET", "/v1/customers/dora/identities", None),
        ("DELETE", "/v1/customers/dora", None),
        ("DELETE", "/v1/customers/dora/identities?kind=user_id&value=x", None),
    ]
    for method, path, body in asks:
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), (path, answer.text)
        assert "etappe rebuild" in answer.json()["detail"]
    answer = decided(client, template.customers[0])
    assert (answer["degraded"], answer["customer"]["known"], len(ids_of(answer))) == (True, False, 10)


def _tell(client: httpx.Client, template: Template) -> None:
    """What has to hold through all that follows: a denial and an erasure."""
    item = template.items[0]
    accept(client, _view("d1", "dora", item), _denial("d2", "dora"), _view("e1", "emil", item))
    assert client.delete("/v1/customers/emil").status_code == 200


def _holds(client: httpx.Client, data: Path, template: Template) -> None:
    """Whether denial and erasure hold, and events are taken as before."""
    assert decided(client, "dora")["customer"]["known"] is False
    accept(client, _view("d3", "dora", template.items[0]), _view("f1", "fay", template.items[0]))
    late = client.post(
        "/v1/events", json={"events": [_view("e2", "emil", "x") | {"timestamp": "2026-01-01T00:00:00Z"}]}
    )
    assert "erased" in late.json()["rejected"][0]["reason"]
    assert client.get("/v1/customers/fay").json()["events"] == 1
    _wait_until_logged(data, "d3", "f1")
    rows = {row["event_id"]: row for row in logged(data, "event").rows(named=True)}
    assert (rows["d3"]["user_id"], rows["d3"]["subject"]) == (None, None)
    assert "refused" not in rows


def test_emptied_while_serving(copy_of: Copy, template: Template) -> None:
    """FLUSHALL: events are refused, decisions degraded, keys hold, readiness and log say why; a rebuild mends it."""
    data, item = copy_of(), template.items[0]
    (data / "etappe.toml").write_text(SETTINGS)
    with Server(data, workers=2) as server, server.client(template.secret) as client:
        _tell(client, template)
        before = items_of(decided(client, template.customers[0]))
        _wait_until_logged(data, "d2", "e1")
        _wait_until_erased(data)
        redis_of(data).flushall()
        _is_refused(client, template, item)
        said = _wait_until_refused(client)
        assert ("emptied" in said["reason"], "etappe rebuild" in said["remedy"]) == (True, True)
        _is_refused(client, template, item)
        assert client.get("/v1/popular").status_code == 503  # not 401: the keys last known count
        waiting = (
            Waiting()
        )  # a key that is not known may be one that Redis has lost; each process hears of that by itself
        while waiting(httpx.get(f"{server.url}/v1/popular", trust_env=False).status_code != 503):
            pass
        serving = server.serving()
        ran = inside(data, "rebuild")
        assert ran.code == 0, ran.err
        _wait_for(client, 200)
        _holds(client, data, template)
        assert before == items_of(decided(client, template.customers[0]))
        assert serving == server.serving()
        assert client.get("/metrics").text.count("etappe_decisions_set_back_total") > 0
        refusals = [line for line in server.said.splitlines() if "Events are refused" in line]
        assert len(refusals) <= 2 * len(serving)  # said once for each reason, not with every request
        assert "Traceback" not in server.said


def test_set_back_while_serving(copy_of: Copy, template: Template) -> None:
    """A Redis that comes back as it was before a denial: nobody is served by it, until a rebuild has the denial again."""
    data, item = copy_of(), template.items[0]
    (data / "etappe.toml").write_text(SETTINGS)
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _view("d1", "dora", item), _view("e1", "emil", item))
        _wait_until_logged(data, "d1")
        shutil.copytree(data / "valkey" / "appendonlydir", data / "older")
        accept(client, _denial("d2", "dora"))
        assert client.delete("/v1/customers/emil").status_code == 200
        _wait_until_logged(data, "d2")
        _wait_until_erased(data)
        _set_back(data)
        said = _wait_until_refused(client)
        assert ("set back" in said["reason"] or "emptied" in said["reason"]) is True
        _is_refused(client, template, item)
        assert inside(data, "rebuild").code == 0
        _wait_for(client, 200)
        _holds(client, data, template)
        assert "Traceback" not in server.said


def _set_back(data: Path) -> None:
    """Puts the older files of the embedded server in the place of its own, before anybody starts it again."""
    with (data / "valkey" / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pid = valkey_of(data)
        os.kill(pid, signal.SIGKILL)
        waiting = Waiting()
        while waiting(Path(f"/proc/{pid}").exists()):
            pass
        shutil.rmtree(data / "valkey" / "appendonlydir")
        (data / "older").rename(data / "valkey" / "appendonlydir")


def test_set_back_before_a_start(copy_of: Copy, template: Template) -> None:
    """Started on an older folder of the server, every command that writes refuses with what to do, and a check says so."""
    data = copy_of()
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _view("d1", "dora", template.items[0]))
        _wait_until_logged(data, "d1")
        server.stop()
    stop_store(data)
    shutil.copytree(data / "valkey", data / "older")
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _denial("d2", "dora"))
        _wait_until_logged(data, "d2")
        server.stop()
    stop_store(data)
    shutil.rmtree(data / "valkey")
    (data / "older").rename(data / "valkey")
    for command in (["serve"], ["worker"], ["train"], ["import", "nothing.jsonl"], ["keys", "list"]):
        ran = etappe(data, *command) if command == ["worker"] else inside(data, *command)
        assert (ran.code, ran.err.count("\n"), "etappe rebuild" in ran.err) == (1, 1, True), (command, ran.err)
    checked = inside(data, "check")
    assert (checked.code, "FAIL generation" in checked.out, checked.out.count("etappe rebuild")) == (1, True, 1)
    assert inside(data, "rebuild").code == 0
    assert "ok   generation" in inside(data, "check").out
    with Server(data) as server, server.client(template.secret) as client:
        assert decided(client, "dora")["customer"]["known"] is False


def test_log_behind_redis(copy_of: Copy, template: Template) -> None:
    """A log that lost its newest commits is a fault at every start, a rebuild from it, too; nothing is touched by it."""
    data = copy_of()
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _view("d1", "dora", template.items[0]))
        _wait_until_logged(data, "d1")
        server.stop()
    shutil.copytree(data / "log", data / "older")
    with Server(data) as server, server.client(template.secret) as client:
        accept(client, _view("d2", "dora", template.items[0]))
        _wait_until_logged(data, "d2")
        server.stop()
    shutil.rmtree(data / "log")
    (data / "older").rename(data / "log")
    for command in ("serve", "worker", "train", "rebuild"):
        ran = etappe(data, command) if command == "worker" else inside(data, command)
        assert (ran.code, ran.err.count("\n"), "etappe restore" in ran.err) == (1, 1, True), (command, ran.err)
    checked = inside(data, "check")
    assert (checked.code, "FAIL streams" in checked.out) == (1, True)
    assert inside(data, "rebuild", "--accept-loss").code == 0
    with Server(data) as server, server.client(template.secret) as client:
        assert client.get("/v1/customers/dora").json()["events"] == 1


def test_another_shops(copy_of: Copy, template: Template, tmp_path: Path) -> None:
    """A Redis in which another shop is found while serving is refused, and left alone."""
    data, other = copy_of(), tmp_path / "other"
    (data / "etappe.toml").write_text(SETTINGS)
    assert etappe(other, "keys", "create", "--kind", "secret").code == 0
    with Server(data) as server, server.client(template.secret) as client:
        _tell(client, template)
        _wait_until_logged(data, "d2", "e1")
        _wait_until_erased(data)
        shutil.copytree(other / "valkey" / "appendonlydir", data / "older")
        _set_back(data)
        _wait_until_refused(client)
        _is_refused(client, template, template.items[0])
        waiting = Waiting()
        while waiting("another shop" not in server.said):
            pass
        theirs = redis_of(data)
        assert theirs.exists("etappe:{config}:mark", "etappe:{017}:mark") == 2
        assert theirs.exists("etappe:{config}:leases", "etappe:{decision}:stream") == 0
