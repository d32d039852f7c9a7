"""Where ids stand: in native events, in the payloads of Segment and Google Analytics 4, in rows of files.

A place is a path and the kind of identity that stands there. `5` is user 5 where a user_id stands, and nobody
anywhere else. The translations read these places; tests hold that they name nobody whom these tables do not find.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from etappe.events.identities import (
    ANONYMOUS,
    CLAIMED,
    DEVICE,
    EMAIL,
    EXTERNAL,
    IDENTITIES,
    PHONE,
    PLAIN,
    TELLING,
    USER,
    Identity,
    hashed_email,
    hashed_phone,
)
from etappe.events.translation import values
from etappe.values import ids
from etappe.values.unreadable import Unreadable

EACH: Final = "*"
"""In a path: each value of a list."""
_HASHED: Final = "_sha256"
_DESCRIPTIVE: Final = "device"
"""What tells a device's id in events that tell who somebody is, and is a description (`iphone`) in all others."""
NAMES: Final = tuple(name for name in PLAIN if name != _DESCRIPTIVE)
"""Names of properties and traits that mean an identity wherever they stand."""
_UNIONS: Final = ("string_value", "int_value", "double_value", "float_value")

Reader = Callable[[Any], Iterator[Identity]]
"""The identities in what stands at a path."""
Place = tuple[tuple[str, ...], Reader]


def identity_of(name: str, value: object) -> Identity | None:
    """The identity that `value` is under the name or kind `name`, normalised and hashed; None where it is none."""
    kind = PLAIN.get(name, name)
    text = _text(value)
    if text is None:
        return None
    if kind.endswith(_HASHED) and not name.endswith(_HASHED):
        return Identity(kind, hashed_phone(text) if kind == PHONE else hashed_email(text))
    return Identity(kind, text.lower() if kind.endswith(_HASHED) else text)


def _text(value: object) -> str | None:
    try:
        return ids.cleaned(value, frozenset({""}))  # whom others name, whatever the settings have been in between
    except Unreadable:
        return value if isinstance(value, str) else None


def properties_of(event: str | None) -> tuple[Place, ...]:
    """The places in the properties of a native event; those that every event may have where there is no name for it."""
    found = _PROPERTIES
    if event == "alias":
        found += (((_PREVIOUS,), _is(USER)), ((_PREVIOUS,), _is(ANONYMOUS)))
    return (*found, ((_DESCRIPTIVE,), _is(DEVICE))) if event in TELLING else found


def named(document: Any, places: tuple[Place, ...]) -> Iterator[Identity]:
    """The identities that stand in a document."""
    if not isinstance(document, dict):
        return
    for path, read in places:
        if path[0] in document:
            for value in _at(document, path):
                yield from read(value)


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == EACH:
        for each in value if isinstance(value, list) else ():
            yield from _at(each, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _is(name: str) -> Reader:
    """One identity, or a list of them."""

    def read(value: Any) -> Iterator[Identity]:
        for each in value if isinstance(value, list) else (value,):
            identity = identity_of(name, each)
            if identity is not None:
                yield identity

    return read


def _by_kind(value: Any) -> Iterator[Identity]:
    """Kinds and values, as `properties.identities` has them."""
    for kind, told in value.items() if isinstance(value, dict) else ():
        pairs = {EXTERNAL + source: one for source, one in told.items()} if isinstance(told, dict) else {kind: told}
        for name, each in pairs.items():
            yield from _is(name)(each)


def _typed(value: Any) -> Iterator[Identity]:
    """An entry of Segment's `externalIds`."""
    kind, told = (value.get("type"), value.get("id")) if isinstance(value, dict) else (None, None)
    if isinstance(kind, str):
        yield from _is(kind if kind in PLAIN else EXTERNAL + kind)(told)


def _keyed(value: Any) -> Iterator[Identity]:
    """A parameter or user property of the BigQuery export."""
    key, told = (value.get("key"), value.get("value")) if isinstance(value, dict) else (None, None)
    if key in PLAIN and isinstance(told, dict):
        for union in _UNIONS:
            yield from _is(key)([told.get(union), values.number(told.get(union))])  # JSON writes numbers as text, too


def _plain(*path: str) -> tuple[Place, ...]:
    return tuple(((*path, name), _is(name)) for name in NAMES)


_PREVIOUS: Final = "previous_id"
_PROPERTIES: Final[tuple[Place, ...]] = (((IDENTITIES,), _by_kind), ((CLAIMED,), _by_kind), *_plain())
COLUMNS: Final[tuple[Place, ...]] = (
    (("user_id",), _is(USER)),
    (("anonymous_id",), _is(ANONYMOUS)),
    (("CustomerID",), _is(USER)),
    (("Customer ID",), _is(USER)),
)
"""In a native event, and in rows of the files that are imported."""
SEGMENT: Final[tuple[Place, ...]] = (
    (("userId",), _is(USER)),
    (("anonymousId",), _is(ANONYMOUS)),
    (("previousId",), _is(USER)),
    (("previousId",), _is(ANONYMOUS)),
    (("context", "device", "id"), _is(DEVICE)),
    (("context", "device", "advertisingId"), _is(DEVICE)),
    (("context", "externalIds", EACH), _typed),
    *_plain("traits"),
    *_plain("context", "traits"),
    *_plain("properties"),
    *_plain("properties", "products", EACH),
)
GA4: Final[tuple[Place, ...]] = (
    (("user_id",), _is(USER)),
    (("client_id",), _is(ANONYMOUS)),
    (("app_instance_id",), _is(ANONYMOUS)),
    (("user_pseudo_id",), _is(ANONYMOUS)),
    (("user_data", "sha256_email_address"), _is(EMAIL)),
    (("user_data", "sha256_phone_number"), _is(PHONE)),
    *(((("user_properties", name, "value")), _is(name)) for name in PLAIN),
    (("user_properties", IDENTITIES, "value"), _by_kind),
    (("user_properties", EACH), _keyed),
    (("event_params", EACH), _keyed),
    (("items", EACH, "item_params", EACH), _keyed),
    *_plain("events", EACH, "params"),
    *_plain("events", EACH, "params", "items", EACH),
    *_plain("items", EACH),
)
PAYLOAD: Final[tuple[Place, ...]] = (*SEGMENT, *GA4)
"""In either system's payload: no path of one means another kind in the other."""
