"""The description of the API holds what the contract promises."""

from pathlib import Path
from typing import Any

import pytest

from etappe.api.app import create_app
from etappe.events.nested import LISTS
from etappe.events.vocabulary import TYPES
from etappe.settings import Place, Settings

PATHS = {
    "/v1/events": {"post"},
    "/v1/decide": {"post"},
    "/v1/visitor": {"post"},
    "/v1/items": {"put"},
    "/v1/items/{item_id}": {"get"},
    "/v1/items/{item_id}/related": {"get"},
    "/v1/popular": {"get"},
    "/v1/customers/{customer_id}": {"get", "delete"},
    "/v1/customers/{customer_id}/consent": {"put"},
    "/v1/customers/{customer_id}/export": {"get"},
    "/v1/customers/{customer_id}/identities": {"get", "delete"},
    "/v1/erasures/{number}": {"get"},
    "/v1/segment/batch": {"post"},
    "/v1/segment/track": {"post"},
    "/v1/segment/identify": {"post"},
    "/v1/segment/alias": {"post"},
    "/v1/segment/page": {"post"},
    "/v1/segment/screen": {"post"},
    "/v1/segment/group": {"post"},
    "/mp/collect": {"post"},
    "/debug/mp/collect": {"post"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description, for which no store is needed."""
    app = create_app(Place(data=Path(tmp_path_factory.mktemp("data"))), Settings())
    found: dict[str, Any] = app.openapi_schema.to_schema()
    return found


def test_version(schema: dict[str, Any]) -> None:
    """It is OpenAPI 3.1."""
    assert schema["openapi"].startswith("3.1.")


def test_paths(schema: dict[str, Any]) -> None:
    """All addresses of the contract are described with their methods, and no others are forgotten."""
    found = {
        path: set(methods) & {"get", "put", "post", "delete", "patch"} for path, methods in schema["paths"].items()
    }
    assert {path: methods for path, methods in found.items() if not path.startswith("/schema")} == PATHS


def test_every_operation_says_what_it_does(schema: dict[str, Any]) -> None:
    """Each has a description of its own."""
    operations = [operation for path in PATHS for operation in schema["paths"][path].values()]
    descriptions = [operation.get("description") or operation.get("summary") for operation in operations]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)


def test_request_bodies(schema: dict[str, Any]) -> None:
    """Bodies are described: events with the whole vocabulary, decisions with their placements."""
    events = schema["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(events["properties"]["events"]["items"]["properties"]["event"]["enum"]) == set(TYPES)
    for path, method in (("/v1/decide", "post"), ("/v1/items", "put")):
        assert "application/json" in schema["paths"][path][method]["requestBody"]["content"]
    assert {"DecideRequest", "Placement", "ItemPatch"} <= {
        name.rsplit("_", 1)[-1] for name in schema["components"]["schemas"]
    }


def test_events_as_they_may_be_written(schema: dict[str, Any]) -> None:
    """An event's ids may be numbers, its price, quantity and time other spellings, and an order may have lines."""
    body = schema["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    told = body["properties"]["events"]["items"]["properties"]
    kinds = {name: {one["type"] for one in told[name]["anyOf"]} for name in ("user_id", "item_id", "price", "quantity")}
    assert kinds == {
        "user_id": {"string", "number", "null"},
        "item_id": {"string", "number", "null"},
        "price": {"number", "string", "null"},
        "quantity": {"integer", "string", "null"},
    }
    assert set(told["timestamp"]["type"]) == {"string", "number", "null"}
    assert (told["items"]["type"], all(f"`{name}`" in str(told["items"]) for name in LISTS if name != "items")) == (
        "array",
        True,
    )


def test_items_as_they_are_answered(schema: dict[str, Any]) -> None:
    """A list tells the lowest price of 30 days; an item what stores have; what was kept of its prices nobody is told."""
    schemas = schema["components"]["schemas"]
    assert {"price", "lowest_30d"} <= set(schemas["ShownItem"]["properties"])
    assert {"stores", "cost", "margin", "product"} <= set(schemas["ItemPatch"]["properties"])
    assert {"stores", "stub", "lowest_30d"} <= set(schemas["Item"]["properties"])
    assert "price_history" not in schemas["Item"]["properties"]
