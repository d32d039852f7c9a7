"""The GET routes, what operators read, and errors as problem details everywhere."""

from collections.abc import Callable

import httpx
import polars as pl
import pytest
from tests.acceptance.conftest import Template
from tests.acceptance.shop import Body, Server, accept, decided, ids_of

KINDS = ["also_bought", "wishlist_bought", "similar", "bought_together"]


NO_UTF8 = b'{"placements": [{"name": "\xff"}]}'


def _ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.parametrize("kind", KINDS)
def test_related(here: httpx.Client, template: Template, kind: str) -> None:
    """Each kind lists other items without repeats, no longer than asked, from the snapshot that is served."""
    found = 0
    for item in template.items[:60]:
        answer = here.get(f"/v1/items/{item}/related", params={"kind": kind, "limit": 4})
        shown = _ids(answer)
        assert item not in shown
        assert len(shown) == len(set(shown)) <= 4
        found += len(shown)
        assert answer.json()["snapshot"] == decided(here)["snapshot"]
    assert found > 0


def test_related_counts_are_the_logs(here: httpx.Client, template: Template) -> None:
    """The numbers of a reason equal an independent count over the log, and speak of ten customers or more."""
    buyers = {key[0]: set(part["buyer"]) for key, part in _by_customers(template).group_by("item_id")}
    for item in template.items:
        for one in here.get(f"/v1/items/{item}/related", params={"limit": 100}).json()["items"]:
            both = len(buyers[item] & buyers[one["id"]])
            if "customers" not in one["reason"]:
                assert both < 10
                continue
            assert (both, len(buyers[item])) == (one["reason"]["customers"], one["reason"]["of"])
            assert item == one["reason"]["with"]


def test_popular_counts_are_the_logs(here: httpx.Client, template: Template) -> None:
    """The numbers of popular items are the distinct customers who bought them, of all who bought anything."""
    bought = _by_customers(template)
    buyers = dict(bought.group_by("item_id").agg(pl.col("buyer").n_unique()).iter_rows())
    everyone = bought["buyer"].n_unique()
    told = 0
    for one in here.get("/v1/popular", params={"limit": 100}).json()["items"]:
        if "customers" in one["reason"]:
            told += 1
            assert (buyers[one["id"]], everyone) == (one["reason"]["customers"], one["reason"]["of"])
            assert one["reason"]["customers"] >= 10
        else:
            assert buyers.get(one["id"], 0) < 10
    assert told > 5


def test_popular_below_a_category(here: httpx.Client) -> None:
    """A category lists itself and all below it, and nothing else."""
    top = here.get("/v1/popular", params={"limit": 100}).json()["items"]
    path = top[0]["category"].split("/")[0]
    found = here.get("/v1/popular", params={"category": path, "limit": 100}).json()["items"]
    assert found
    assert {path} == {item["category"].split("/")[0] for item in found}
    assert [item["id"] for item in top if item["category"].split("/")[0] == path] == (
        [item["id"] for item in found if item in top]
    )
    assert _ids(here.get("/v1/popular", params={"category": "no/such/category"})) == []


@pytest.mark.parametrize("days", [1, 7, 30, 90])
def test_popular_in_a_window(here: httpx.Client, template: Template, days: int) -> None:
    """A window ranks by the buyers of its days: counted over the log, the list never rises."""
    end = template.events.filter(pl.col("event") != "ignore")["timestamp"].max()
    recent = _bought(template).filter(pl.col("timestamp") > end - pl.duration(days=days))
    buyers = dict(recent.group_by("item_id").agg(pl.col("buyer").n_unique()).iter_rows())
    shown = [buyers.get(item, 0) for item in _ids(here.get("/v1/popular", params={"window": f"{days}d", "limit": 20}))]
    assert sorted(shown, reverse=True) == shown
    assert shown[0] == max(buyers.values())


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/popular?window=3d", "window"),
        ("/v1/popular?window=fortnight", "window"),
        ("/v1/popular?limit=0", "limit"),
        ("/v1/popular?limit=101", "limit"),
        ("/v1/popular?limit=ten", "limit"),
        ("/v1/items/COF-0001/related?kind=opposite", "kind"),
        ("/v1/items/COF-0001/related?limit=-1", "limit"),
    ],
)
def test_bad_parameter_is_named(here: httpx.Client, path: str, field: str) -> None:
    """A parameter out of its bounds is 400, the field named, in words."""
    answer = here.get(path)
    assert answer.status_code == 400
    assert "regex" not in answer.json()["detail"]
    assert field == answer.json()["field"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_customer(here: httpx.Client, there: httpx.Client, name: Callable[[], str]) -> None:
    """A customer is shown as the next decision will see them, by every replica."""
    user = name()
    accept(
        here,
        {"event": "view_item", "user_id": user, "item_id": "COF-0001", "timestamp": "2026-01-01T00:00:00Z"},
        {"event": "add_to_wishlist", "user_id": user, "item_id": "COF-0001", "timestamp": "2026-01-01T00:01:00Z"},
        {"event": "purchase", "user_id": user, "item_id": "DOG-0008", "price": 10, "quantity": 2, "order_id": "o1"},
        {"event": "refund", "user_id": user, "item_id": "DOG-0008", "price": 10, "order_id": "o1"},
        {"event": "set_traits", "user_id": user, "properties": {"country": "Chile"}},
    )
    for client in (here, there):
        seen = client.get(f"/v1/customers/{user}").json()
        expected = {"id": user, "known": True, "consent": "unknown", "traits": {"country": "Chile"}, "orders": 1}
        assert {**expected, "revenue": 20.0, "refunded": 10.0} == (
            {key: seen[key] for key in (*expected, "revenue", "refunded")}
        )
        assert seen["first_seen"] == 1_767_225_600
        items = {item["id"]: item for item in seen["items"]}
        assert {"COF-0001", "DOG-0008"} == set(items)
        assert (items["COF-0001"]["views"], items["COF-0001"]["wished"]) == (1, True)
        assert items["DOG-0008"]["purchases"] == 1


def test_customer_who_denied_shows_nothing(here: httpx.Client, name: Callable[[], str]) -> None:
    """Of whoever withdrew consent the API tells nothing but that."""
    user = name()
    accept(
        here,
        {"event": "set_traits", "user_id": user, "properties": {"country": "Chile"}},
        {"event": "view_item", "user_id": user, "item_id": "COF-0001"},
        {"event": "set_consent", "user_id": user, "properties": {"personalisation": False}},
    )
    seen = here.get(f"/v1/customers/{user}").json()
    assert (seen["consent"], seen["traits"], seen["items"], seen["events"]) == ("denied", {}, [], 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/decide", 404),
        ("GET", "/v1/customers/nobody-we-know", 404),
        ("GET", "/v1/items/nothing-we-sell", 404),
        ("GET", "/v1/items/nothing-we-sell/related", 404),
        ("GET", "/v1/decide", 405),
        ("GET", "/v1/events", 405),
        ("POST", "/v1/items", 404),
        ("DELETE", "/v1/popular", 405),
        ("PATCH", "/healthz", 405),
        ("POST", "/v1/decide", 400),
        ("PUT", "/v1/items", 400),
        ("POST", "/v1/events", 400),
    ],
)
def test_every_error_is_problem_details(here: httpx.Client, method: str, path: str, status: int) -> None:
    """Each error has the media type of RFC 9457, its status, and a sentence of its own."""
    answer = here.request(method, path)
    assert answer.status_code in (status, 405 if status == 404 else status)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert answer.status_code == problem["status"]
    assert problem["title"]
    assert problem["detail"] not in ("", problem["title"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "placements"),
        ({"placements": []}, "placements"),
        ({"placements": [{"name": "a"}, {"name": "a"}]}, "placements"),
        ({"placements": [{"name": ""}]}, "placements[0].name"),
        ({"placements": [{"name": "a"}, {"name": "b", "limit": 0}]}, "placements[1].limit"),
        ({"placements": [{"name": "a", "limit": 101}]}, "placements[0].limit"),
        ({"placements": [{"name": "a", "kind": "songs"}]}, "placements[0].kind"),
        ({"placements": [{"name": "a", "max_per_category": 0}]}, "placements[0].max_per_category"),
        ({"placements": [{"name": "a", "exclude": [1]}]}, "placements[0].exclude[0]"),
        ({"placements": [{"name": "a", "filter": {"colour": "red"}}]}, "placements.a.filter.colour"),
        ({"placements": [{"name": "a", "filter": {"price": "cheap"}}]}, "placements.a.filter.price"),
        ({"placements": [{"name": "a", "filter": {"price": {"below": 5}}}]}, "placements.a.filter.price"),
        ({"placements": [{"name": "a", "filter": {"category": {"lt": "a"}}}]}, "placements.a.filter.category"),
        ({"placements": [{"name": "a"}], "channel": "telex"}, "channel"),
        ({"placements": [{"name": "a"}], "customer": {"user_id": 5}}, "customer.user_id"),
        ({"placements": [{"name": "a"}], "customer": {"user_id": ""}}, "customer.user_id"),
        ({"placements": [{"name": "a"}], "customer": {"email": "a@b"}}, "customer"),
        ({"placements": [{"name": "a"}], "context": {"cart": "71053"}}, "context.cart"),
        ({"placements": [{"name": "a"}], "locale": "x" * 40}, "locale"),
    ],
)
def test_bad_question_is_told_what_is_wrong(here: httpx.Client, body: Body, field: str) -> None:
    """A request that cannot be answered is 400, the field named by its path."""
    answer = here.post("/v1/decide", json=body)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem.get("field") == field
    assert problem["detail"]


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"placements": NaN}', b"[" * 50_000, NO_UTF8]
)
def test_garbage_is_refused(here: httpx.Client, content: bytes) -> None:
    """Bodies that are no JSON object are 400, and the server lives on."""
    answer = here.post("/v1/decide", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert here.get("/healthz").status_code == 200


def test_content_type_makes_no_difference(here: httpx.Client) -> None:
    """Browsers' beacons say text/plain: what counts is the body."""
    body = b'{"placements": [{"name": "p"}]}'
    for kind in ("text/plain", "application/json; charset=utf-8", "application/octet-stream"):
        answer = here.post("/v1/decide", content=body, headers={"content-type": kind})
        assert answer.status_code == 200, answer.text


def test_browsers_of_other_origins_may_ask(here: httpx.Client) -> None:
    """A shop's frontend lives elsewhere: the preflight allows the key's header, and errors can be read there too."""
    origin = {"origin": "https://shop.example"}
    wanted = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    assert here.options("/v1/decide", headers=wanted).status_code == 204
    for body in ({"placements": [{"name": "p"}]}, {}):
        assert here.post("/v1/decide", json=body, headers=origin).headers["access-control-allow-origin"] == "*"


def test_health_and_readiness(here: httpx.Client) -> None:
    """Operators see that it lives, that it is ready, and with which snapshot."""
    assert here.get("/healthz").text == "ok"
    assert {"ready": True, "snapshot": decided(here)["snapshot"]} == here.get("/readyz").json()


def test_metrics_add_up_over_processes(here: httpx.Client, name: Callable[[], str]) -> None:
    """Decisions and events are counted over all processes, whoever is asked for the numbers."""
    before = _metrics(here)
    for _ in range(10):
        decided(here)
    accept(here, {"event": "login", "user_id": name()})
    here.post("/v1/events", json={"events": [{"event": "nonsense"}]})
    after = _metrics(here)
    grown = {key: after[key] - before.get(key, 0.0) for key in after}
    assert grown['etappe_decisions_total{degraded="false"}'] == 10.0
    assert grown["etappe_decision_seconds_count"] == 10.0
    assert grown['etappe_events_total{status="accepted"}'] == 1.0
    assert grown['etappe_events_total{status="rejected"}'] == 1.0


def test_schema_describes_the_contract(here: httpx.Client) -> None:
    """OpenAPI 3.1 at /schema, with every address that answers."""
    schema = here.get("/schema").json()
    assert schema["openapi"].startswith("3.1")
    assert {"/v1/events", "/v1/decide", "/v1/items", "/v1/popular", "/healthz", "/readyz", "/metrics"} <= set(
        schema["paths"]
    )


def test_explanation_says_what_was_left_out(here: httpx.Client, template: Template, name: Callable[[], str]) -> None:
    """`explain` names the sources asked and counts what each rule left out."""
    user = name()
    gone = ids_of(decided(here, user))[0]
    accept(here, {"event": "ignore", "user_id": user, "item_id": gone})
    filled = decided(here, user, explain=True)["placements"]["p"]
    assert filled["explanation"]["sources"] == ["category", "popularity"]
    assert filled["explanation"]["left_out"]["ignored"] >= 1
    assert "explanation" not in decided(here, user)["placements"]["p"]


def test_nothing_went_wrong_behind_the_answers(first: Server, here: httpx.Client) -> None:
    """None of all these requests left an error in the server's output."""
    assert here.get("/healthz").text == "ok"
    assert "Traceback" not in first.said


_IN_STORE = ("loyalty_card", "receipt_email")
"""Who somebody in a store is known by."""


def _bought(template: Template) -> pl.DataFrame:
    """Purchases with who bought, `buyer`: an order by itself where nobody is known, or who it was may not be.

    Else an account, also on its own browser, or by its card or address in a store; or a browser that no or several
    accounts use.
    """
    events = template.events.unique("event_id")
    both = events.filter(pl.all_horizontal(pl.col("user_id", "anonymous_id").is_not_null()))
    owners = both.select("anonymous_id", owner="user_id").unique()
    alone = owners.filter(~pl.col("anonymous_id").is_duplicated())
    said = {name: pl.col("properties").str.json_path_match(f"$.{name}") for name in (*_IN_STORE, "email")}
    told = events.filter(pl.col("event") == "set_traits").with_columns(**said)
    by_card = told.select("loyalty_card", holder="user_id").drop_nulls()
    by_mail = told.select(receipt_email="email", reader="user_id").drop_nulls()
    bought = (
        events.filter(pl.col("event") == "purchase")
        .with_columns(**{name: said[name] for name in _IN_STORE})
        .join(alone, on="anonymous_id", how="left")
        .join(by_card, on="loyalty_card", how="left")
        .join(by_mail, on="receipt_email", how="left")
        .with_columns(buyer=pl.coalesce("user_id", "owner", "holder", "reader", "anonymous_id", *_IN_STORE, "order_id"))
    )
    consent = events.filter(pl.col("event") == "set_consent").sort("timestamp").group_by("user_id").last()
    refused = consent.filter(pl.col("properties").str.contains("false"))["user_id"].to_list()
    nobody = pl.col("buyer").is_in(refused)
    return bought.with_columns(buyer=pl.when(nobody).then("order_id").otherwise("buyer"))


def _by_customers(template: Template) -> pl.DataFrame:
    """The same without orders by nobody who is known."""
    return _bought(template).filter(pl.col("buyer") != pl.col("order_id"))


def _metrics(client: httpx.Client) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if line and not line.startswith("#")]
    return {key: float(value) for key, _, value in (line.rpartition(" ") for line in lines)}
