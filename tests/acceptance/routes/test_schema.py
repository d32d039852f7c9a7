"""Every answer is one that `/schema` describes, and what it describes is taken: Schemathesis asks, with either key.

Bounded: a fixed seed, every edge that the description has, and a few drawn requests for each operation.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Server, accept

SECONDS = 240
CONFIG = """
[[operations]]  # each event is judged by itself: what the description does not allow is told in `rejected`, with 202
include-name = "POST /v1/events"
checks.negative_data_rejection.enabled = false

[[operations]]  # no schema says that names differ, and how many values all parts of a filter have together
include-name = "POST /v1/decide"
checks.positive_data_acceptance.enabled = false

[[operations]]  # an id with control characters is none, those around it are left out: no schema says that
include-path-regex = "^/v1/items$|_id"
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "^/(debug/)?mp/collect"
parameters = {{ "api_secret" = "{key}" }}
"""
ELSEWHERE = "^/schema|/export$"
"""The description itself, and what waits for the worker; tests of their own look at both."""


@pytest.fixture(scope="module")
def server(copy_of: Callable[[], Path]) -> Iterator[Server]:
    """A server on a shop of its own, as anything may be put into it."""
    with Server(copy_of()) as started:
        yield started


@pytest.mark.parametrize(("kind", "phases"), [("secret", "coverage,fuzzing"), ("publishable", "fuzzing")])
def test_answers_are_as_described(server: Server, template: Template, tmp_path: Path, kind: str, phases: str) -> None:
    """Status, media type, body and methods of every answer are described; no request brings a fault to light."""
    key = template.secret if kind == "secret" else template.publishable
    (tmp_path / "st.toml").write_text(CONFIG.format(key=key))
    scope = ["--phases", phases, "--max-examples", "8", "--seed", "1", "--exclude-path-regex", ELSEWHERE]
    ran = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", "st.toml", "run", f"{server.url}/schema/openapi.json",
            "-H", f"Authorization: Bearer {key}", *scope, "--continue-on-failure", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert "Tested: 2" in ran.stdout, ran.stdout[-2_000:]
    assert "Traceback" not in server.said


@pytest.fixture
def described(here: httpx.Client) -> dict[str, dict[str, dict[str, object]]]:
    """The operations of the description by address and method."""
    found: dict[str, dict[str, dict[str, object]]] = here.get("/schema").json()["paths"]
    return found


def test_every_operation_describes_its_refusals(described: dict[str, dict[str, dict[str, object]]]) -> None:
    """What takes a key says so and describes 401; what has a body describes what is too much of it."""
    for path, methods in described.items():
        for operation in methods.values():
            statuses = set(operation["responses"])  # type: ignore[call-overload]
            assert ("401" in statuses) is bool(operation.get("security")) is path.startswith(("/v1", "/mp", "/debug"))
            assert ({"408", "413", "422", "429"} <= statuses) is ("requestBody" in operation)


def test_bodies_are_decoded_as_described(here: httpx.Client) -> None:
    """Texts are no numbers and numbers no booleans; a whole number may be written as one with a fraction of nothing."""
    for placement, status in (
        ({"limit": "3"}, 400),
        ({"limit": 3.0}, 200),
        ({"limit": 3.5}, 400),
        ({"limit": True}, 400),
    ):
        answer = here.post("/v1/decide", json={"placements": [{"name": "p", **placement}]})
        assert answer.status_code == status
        assert status == 200 or answer.json()["field"] == "placements[0].limit"
    for consent, status in ((True, 200), (0, 400), ("true", 400)):
        body = {"purposes": {"email": consent}}
        assert here.put("/v1/customers/strictly-nobody/consent", json=body).status_code == status


def test_options_tell_every_method(here: httpx.Client) -> None:
    """An address with several methods names all of them."""
    allowed = here.options("/v1/customers/x").headers["allow"]
    assert {"DELETE", "GET"} <= {method.strip() for method in allowed.split(",")}


def test_an_export_is_as_described(here: httpx.Client, name: Callable[[], str]) -> None:
    """The one answer that is not asked for above is JSON, or a problem."""
    user = name()
    accept(here, {"event": "login", "user_id": user})
    for customer, status, kind in ((user, 200, "application/json"), (name(), 404, "application/problem+json")):
        answer = here.get(f"/v1/customers/{customer}/export")
        assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
