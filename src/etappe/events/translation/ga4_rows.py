"""Rows of the BigQuery export of Google Analytics 4 as bodies of the Measurement Protocol, which say the same."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from etappe.events.translation import values

_KINDS: Final = ("string_value", "int_value", "double_value", "float_value")
_UNSET: Final = ("(not set)", "(not provided)", "")
_REVENUES: Final = ("purchase_revenue", "refund_value")
_STORAGE: Final = {"analytics_storage": "analytics_storage", "ads_storage": "ad_storage"}
_VERDICTS: Final = {"yes": "GRANTED", "true": "GRANTED", "no": "DENIED", "false": "DENIED"}
_PLACE: Final = ("event_bundle_sequence_id", "batch_page_id", "batch_ordering_id", "batch_event_index")
"""What tells two rows of one moment apart."""


def body_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The body of one event that says what `row` says."""
    time = row.get("event_timestamp")
    params = _flat(row.get("event_params")) | _sale(row)
    params |= {} if "value" in params else _revenue(row)
    place = ":".join(str(row.get(name)) for name in ("event_timestamp", *_PLACE))
    event = {"name": row.get("event_name"), "params": params, "timestamp_micros": time, "row": place}
    traffic = _set(values.mapping(row.get("collected_traffic_source")))
    body = {
        "client_id": row.get("user_pseudo_id"),
        "user_id": row.get("user_id"),
        "timestamp_micros": time,
        "platform": row.get("platform"),
        "user_properties": _properties(row.get("user_properties")),
        "consent": _consent(values.mapping(row.get("privacy_info"))),
        "daily": True,
        "events": [event | {"traffic": traffic}],
    }
    return {name: value for name, value in body.items() if value is not None}


def _sale(row: Mapping[str, Any]) -> dict[str, Any]:
    sale = _set(values.mapping(row.get("ecommerce")))
    found = {name: sale[name] for name in ("transaction_id",) if name in sale}
    items = row.get("items")
    if isinstance(items, list) and items:
        found["items"] = [_item(one) for one in items]
    return found


def _revenue(row: Mapping[str, Any]) -> dict[str, Any]:
    """The money of the whole order, as the export sums it."""
    sale = _set(values.mapping(row.get("ecommerce")))
    return next(({"revenue": sale[name]} for name in _REVENUES if name in sale), {})


def _item(said: object) -> dict[str, Any]:
    item = dict(_set(values.mapping(said)))
    return {name: value for name, value in item.items() if name != "item_params"} | _flat(item.get("item_params"))


def _set(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None and value not in _UNSET}


def _flat(listed: object) -> dict[str, Any]:
    return {key: value for key, value, _ in _pairs(listed) if value not in _UNSET}


def _properties(listed: object) -> dict[str, Any]:
    """User properties, each with the time at which it was set."""
    return {key: {"value": value, "timestamp_micros": said} for key, value, said in _pairs(listed)}


def _pairs(listed: object) -> Iterable[tuple[str, Any, Any]]:
    for one in listed if isinstance(listed, list) else []:
        pair = values.mapping(one)
        union = values.mapping(pair.get("value"))
        kind = next((name for name in _KINDS if union.get(name) is not None), None)
        if isinstance(pair.get("key"), str) and kind is not None:
            yield pair["key"], _typed(kind, union[kind]), union.get("set_timestamp_micros")


def _typed(kind: str, value: Any) -> Any:
    """Whole numbers, which JSON of BigQuery writes as text, as numbers."""
    if kind == "string_value":
        return value
    found = values.number(value)
    return value if found is None else found


def _consent(privacy: Mapping[str, Any]) -> dict[str, str] | None:
    said = {ours: _VERDICTS.get(str(privacy.get(name)).lower()) for name, ours in _STORAGE.items()}
    return {name: verdict for name, verdict in said.items() if verdict} or None
