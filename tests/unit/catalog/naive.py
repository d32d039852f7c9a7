"""Filters and catalogues read plainly: each item decoded and looked at by itself. What the compiled way is held against."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from etappe.arrays import Manifest
from etappe.catalog import compiled as form
from etappe.catalog.item import Item, ItemPatch
from etappe.catalog.table import Catalogue


def filled(patches: Iterable[ItemPatch], catalogue: Catalogue | None = None) -> Catalogue:
    """A catalogue (an empty one where none is given) with changes applied."""
    catalogue = Catalogue() if catalogue is None else catalogue
    for patch in patches:
        catalogue.apply(patch)
    return catalogue


def compiled(catalogue: Catalogue) -> Catalogue:
    """The catalogue, compiled and opened, but for the disk in between."""
    order = np.argsort(catalogue.column("hash"))
    items = [catalogue.item(int(row)) for row in order]
    named, parameters = form.compiled(
        items, catalogue.column("hash")[order], catalogue.gate[order], list(catalogue.categories)
    )
    manifest = Manifest(kind=form.KIND, format=form.FORMAT, version="v", created="", parameters=parameters)
    return Catalogue(form.Compiled(manifest, named))


def passes(item: Item, source: Mapping[str, Any]) -> bool:
    """Whether an item passes a filter, as the documentation has it."""
    for field, wanted in source.items():
        tests = wanted if isinstance(wanted, dict) else {"in": wanted if isinstance(wanted, list) else [wanted]}
        if field == "price" and item.price is None:
            return False
        if not all(_holds(field, _value(item, field), name, operand) for name, operand in tests.items()):
            return False
    return True


def _value(item: Item, field: str) -> Any:
    if field.startswith("attributes."):
        return item.attributes.get(field.removeprefix("attributes."))
    return item.category or "" if field == "category" else getattr(item, field)


def _holds(field: str, value: Any, name: str, operand: Any) -> bool:
    if name in ("lt", "lte", "gt", "gte"):
        return _ordered(name, value, operand)
    wanted = operand if name in ("in", "not_in") else [operand]
    if field == "category":
        found = any((value + "/").startswith(path + "/") if path else value == "" for path in wanted)
    elif isinstance(value, list):
        found = any(_frozen(one) == _frozen(other) for one in value for other in wanted)
    else:
        found = any(_frozen(value) == _frozen(other) for other in wanted)
    return found is (name in ("eq", "in"))


def _ordered(name: str, value: Any, bound: Any) -> bool:
    if isinstance(value, bool) or isinstance(bound, bool):
        return False
    texts = isinstance(value, str) and isinstance(bound, str)
    if not texts and not (isinstance(value, int | float) and isinstance(bound, int | float)):
        return False
    return bool({"lt": value < bound, "lte": value <= bound, "gt": value > bound, "gte": value >= bound}[name])


def _frozen(value: Any) -> Hashable:
    """A JSON value that can be hashed; as Python has it, 1 equals true and 1.0."""
    if isinstance(value, list):
        return (list, tuple(_frozen(one) for one in value))
    if isinstance(value, dict):
        return (dict, frozenset((name, _frozen(one)) for name, one in value.items()))
    kept: Hashable = value
    return kept
