"""Writes the tables of the pages in docs/ anew from the code: `.venv/bin/python docs/generate.py`.

What stands between `<!-- generated: NAME -->` and `<!-- end -->` is replaced; the prose around it stays. A test
compares.
"""

# ruff: noqa: INP001 - a script, and no package

import ast
import inspect
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import numpy as np

from etappe.api import bodies
from etappe.api.limits import bounds
from etappe.catalog import filters, item
from etappe.events import details, intake, touch, vocabulary
from etappe.events.translation import ga4, segment_messages
from etappe.models import snapshot
from etappe.serving import request
from etappe.settings import Settings, sections

DOCS: Final = Path(__file__).parent
_PART: Final = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_UNITS: Final = {"ms": "ms", "seconds": "s", "minutes": "min", "days": "days", "mb": "MB", "mib": "MiB"}

_PAGES: Final = ("events", "http", "models", "settings")

_FIELDS: Final = {
    "event_id": "Makes a repeat recognisable. One that names none gets one from its bytes (and, without a `timestamp`,"
    " the moment it arrives), or of its own where it decides something: [what counts once](#what-counts-once).",
    "timestamp": "ISO 8601; UTC where it names no zone; the time of arrival where it is missing.",
    "user_id": "The shop's own id of the customer.",
    "anonymous_id": "The shop's id of a browser or device that nobody has logged in on.",
    "item_id": "The catalogue's id.",
    "quantity": "Pieces; 1 where it is missing.",
    "price": "Of one piece.",
    "currency": "ISO 4217.",
    "order_id": "What the lines of one order share.",
    "channel": "Where it happened.",
    "properties": "An object with all else. What Etappe reads of it is said with the event.",
}
"""The one thing of an event that its types and docstrings do not say."""


def main() -> None:
    """Writes the files."""
    for path, text in pages().items():
        path.write_text(text)


def pages() -> dict[Path, str]:
    """The pages as they should be."""
    parts = {
        "events": events(),
        "event-fields": fields(),
        "event-limits": limits(),
        "snapshot-parts": snapshot_parts(),
        "bodies": body_bounds(),
        "bounds": request_bounds(),
        "settings": all_settings(),
        "settings-file": example(),
    }
    return {path: _filled(path.read_text(), parts) for path in (DOCS / f"{name}.md" for name in _PAGES)}


def events() -> str:
    """A row an event: what it must name, its weight, its meaning."""
    rows = [
        (f"`{name}`", _needed(kind), _strength(code), _text(inspect.getdoc(kind)))
        for (name, kind), code in zip(vocabulary.TYPES.items(), vocabulary.CODES.values(), strict=True)
    ]
    return _table(("event", "must name", "strength", "what happened"), rows)


def fields() -> str:
    """A row a field that every event may have."""
    told = _schema(vocabulary.Event)["properties"]
    rows = [
        (
            f"`{field.name}`",
            "time" if datetime in get_args(field.type) else _kind(told[field.name]),
            _FIELDS[field.name],
        )
        for field in msgspec.structs.fields(vocabulary.Event)
    ]
    return _table(("field", "kind and limits", "meaning"), rows)


def limits() -> str:
    """A row a limit of a batch."""
    low, high = details.RATINGS
    rows = [
        ("events in a batch", f"{bounds.EVENTS.secret}; {bounds.EVENTS.publishable} with a publishable key"),
        ("bytes of an event", f"{intake.MAX_EVENT_BYTES:,}"),
        ("bytes of the `properties` of `set_traits` and `set_consent`", f"{intake.MAX_TRAITS_BYTES:,}"),
        ("a `timestamp` ahead of our clock", f"{intake.AHEAD.days} day"),
        ("`properties.rating` of `rate`", f"{low} to {high}"),
        (
            "a field of a touch; its `referrer`",
            f"{touch.LONGEST} characters; {touch.LONGEST_REFERRER:,}",
        ),
        ("`properties.state` of `service_contact` and `complaint`", ", ".join(f"`{one}`" for one in details.STATES)),
    ]
    return _table(("what", "limit"), rows)


def snapshot_parts() -> str:
    """A row a part of a snapshot, and below it a row an array."""
    rows: list[tuple[str, ...]] = []
    for part in snapshot.PARTS:
        rows.append((f"**{part.name}**", "", part.told, ""))
        rows += [
            (
                f"`{array.name}`",
                f"{np.dtype(array.dtype)} [{', '.join(array.shape)}]",
                array.told,
                "; ".join(rule.told for rule in array.rules),
            )
            for array in part.arrays
        ]
    return _table(("part, array", "dtype and dimensions", "what", "must be"), rows)


def body_bounds() -> str:
    """A row a bound of a body, with all routes that share it."""
    routes: dict[bounds.ByKey, list[str]] = {}
    for path, bound in bounds.BODIES.items():
        routes.setdefault(bound, []).append(f"`{path}`")
    rows = [
        (", ".join(paths), f"{bound.secret:,}", f"{bound.publishable:,}" if bound.publishable else "none")
        for bound, paths in routes.items()
    ]
    return _table(("body of", "bytes with a secret key", "with a publishable key"), rows)


def request_bounds() -> str:
    """A row a bound of what is in a request."""
    most, values, deep = filters.MAX_COMPARISONS, filters.MAX_OPERANDS, filters.MAX_NESTING
    rows = [
        ("`events` of a batch", f"{bounds.EVENTS.secret}; {bounds.EVENTS.publishable} with a publishable key"),
        ("messages of a Segment batch, events of a GA4 body", f"{segment_messages.MAX_MESSAGES:,}; {ga4.MAX_EVENTS}"),
        (
            "events that a Segment or GA4 body makes",
            f"{bounds.PAYLOADS_EVENTS.secret:,}; {bounds.PAYLOADS_EVENTS.publishable:,} with a publishable key",
        ),
        ("context of a Segment batch times its messages", f"{segment_messages.MAX_SHARED_BYTES:,} bytes"),
        ("`placements` of a decision", f"{request.MAX_PLACEMENTS}"),
        ("`exclude` of a placement, `context.cart`", f"{request.MAX_LISTED:,} ids each"),
        ("`filter` of a placement", f"{most} comparisons, {values:,} values in all, {deep} deep"),
        ("`items` put at once", f"{bodies.MAX_ITEMS:,}"),
        ("an item", f"{item.MAX_BYTES:,} bytes as JSON, `attributes` {item.MAX_NESTING} deep"),
    ]
    return _table(("what", "at most"), rows)


def all_settings() -> str:
    """A table for each section."""
    parts = []
    for section in msgspec.structs.fields(Settings):
        kind = type(section.default)
        parts.append(f"### [{section.name}]\n{_text(inspect.getdoc(kind))}\n\n{_table(_HEADS, _rows(kind))}")
    return "\n".join(parts)


def example() -> str:
    """A settings file that says what holds anyway."""
    lines = ["```toml"]
    for section in msgspec.structs.fields(Settings):
        values = msgspec.to_builtins(section.default)
        lines += [f"[{section.name}]", *(f"{name} = {_toml(value)}" for name, value in values.items()), ""]
    return "\n".join([*lines[:-1], "```"]) + "\n"


_HEADS: Final = ("setting", "default", "unit", "kind and limits", "meaning")


def _rows(kind: type[msgspec.Struct]) -> Iterator[tuple[str, ...]]:
    told, meanings = _schema(kind)["properties"], _meanings(kind)
    for field in msgspec.structs.fields(kind):
        unit = _UNITS.get(field.name.rpartition("_")[2], "")
        default = f"`{_toml(msgspec.to_builtins(field.default))}`"
        yield f"`{field.name}`", default, unit, _kind(told[field.name]), meanings[field.name]


def _meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring below each field, which Python itself does not keep."""
    tree = ast.parse(inspect.getsource(sections))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    found: dict[str, str] = {}
    for field, below in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            found[field.target.id] = _text(ast.literal_eval(below.value))
    return found


def _needed(kind: type[vocabulary.Event]) -> str:
    return ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(kind) if field.required)


def _strength(code: int) -> str:
    value = float(vocabulary.STRENGTH[code])
    return f"{value:g}" if value else ""


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.schema(kind)
    return told["$defs"][kind.__name__] if "$defs" in told else told


def _kind(told: Mapping[str, Any]) -> str:
    """A JSON schema in words."""
    if "anyOf" in told:
        told = next(one for one in told["anyOf"] if one.get("type") != "null")
    if "enum" in told:
        return ", ".join(f"`{one}`" for one in told["enum"] if one is not None)
    if told.get("type") == "array":
        return "list of " + _kind(told["items"]) if "items" in told else "list"
    name = {"string": "text", "integer": "whole number", "number": "number", "object": "object", "boolean": "yes or no"}
    words = [name[told["type"]]]
    words += [f"{sign} {told[key]:,.15g}" for key, sign in _BOUNDS.items() if key in told]
    words += [f"{told['maxLength']:,} characters at most"] if "maxLength" in told else []
    words += [f"`{told['pattern']}`"] if "pattern" in told else []
    return ", ".join(words)


_BOUNDS: Final = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _text(doc: str | None) -> str:
    return " ".join((doc or "").split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _filled(text: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda found: f"{found[1]}{parts[found['name']]}{found[3]}", text)


if __name__ == "__main__":
    main()
