"""After the warm-up no customer waits for a compiler."""

import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher
from tests.unit.serving.planted import NOW, SETTINGS, Model, ask, catalogue_items, compiled, overlaid, state

from etappe.customers import records
from etappe.customers.packed.base import pack
from etappe.customers.state import recalled
from etappe.events.vocabulary import Purchase
from etappe.serving import lists
from etappe.serving.viewing.view import View
from etappe.serving.warm import warm_up


def _kernels() -> dict[str, Dispatcher]:
    return {
        f"{name}.{kernel.__name__}": kernel
        for name, module in list(sys.modules.items())
        if name.startswith("etappe.")
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }


def _everything(view: View) -> None:
    """Decisions of all kinds: records folded and waiting, claims, carts, filters, several lists, and what is related."""
    done = [("purchase", "coffee-0", 40.0), ("ignore", "tea-1", 3.0), ("view_item", "tea-2", 0.001)]
    waiting, nothing = state(done), state([("view_item", "unheard-of", 300.0)])
    folded = recalled(pack(waiting.base), b"", 60.0)
    claim = Purchase(item_id="coffee-0", price=1.0, claim=True)
    claimed = recalled(pack(waiting.base), records.encode(claim, "c", NOW), 60.0)
    placements = [
        {"name": "a", "limit": 3, "max_per_category": 1},
        {"name": "b", "exclude": ["tea-0"], "filter": {"brand": "none"}},
        {"name": "c", "kind": "content"},
    ]
    for context in ({}, {"item": "coffee-1"}, {"cart": ["tea-0", "coffee-2"]}, {"item": "unheard-of"}):
        for who in (None, waiting, folded, claimed, nothing):
            ask(view, who, context=context, placements=placements, explain=True)
    for window in (None, "customers", *(["7d"] if view.snapshot is not None else [])):
        lists.popular(view, "tea", window, 5, None, SETTINGS, NOW.timestamp())
    for kind in lists.KINDS if view.catalogue.find("tea-0") else ():
        lists.related(view, "tea-0", kind, 5, None, SETTINGS, NOW.timestamp())


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("kind", ["overlaid", "compiled", "empty"])
def test_nothing_is_compiled_for_a_customer(model: Model, tmp_path: Path, kind: str, trained: bool) -> None:
    """Whatever the catalogue is, whoever asks for what: all kernels that are needed were compiled by the warm-up."""
    made = {"overlaid": overlaid, "empty": lambda _: overlaid([]), "compiled": lambda it: compiled(it, tmp_path / "c")}
    view = View(made[kind](catalogue_items()), model.snapshot if trained else None)
    for kernel in _kernels().values():
        kernel.overloads.clear()
        kernel._reset_overloads()
    warm_up(view, SETTINGS)
    before = {name: len(kernel.signatures) for name, kernel in _kernels().items()}
    _everything(view)
    after = {name: len(kernel.signatures) for name, kernel in _kernels().items()}
    assert {name: (before.get(name), count) for name, count in after.items() if count != before.get(name)} == {}
