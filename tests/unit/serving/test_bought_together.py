"""What orders tell, and of how many people."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from etappe.catalog.item import ItemPatch
from etappe.catalog.table import Catalogue
from etappe.log import as_rows
from etappe.models.snapshot import Snapshot
from etappe.serving import lists
from etappe.serving.viewing.view import View
from etappe.settings import Learning, Settings
from etappe.training.fit import fit_snapshot

SETTINGS = Settings(learning=Learning(factors=2))
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def _told(tmp_path: Path, customers: int, orders: int) -> lists.ItemList:
    """What goes with `lamp` where so many customers bought it with `bulb`, in so many orders; others bought `mug`."""
    lines = [(number % customers, f"o{number}", item) for number in range(orders) for item in ("lamp", "bulb")]
    lines += [(customers + number, f"m{number}", "mug") for number in range(60)]
    events = as_rows(
        "event",
        {
            "event_id": [str(number) for number in range(len(lines))],
            "event": ["purchase"] * len(lines),
            "time": [BEGIN + timedelta(minutes=number) for number in range(len(lines))],
            "subject": [customer.to_bytes(16, "little") for customer, _, _ in lines],
            "item_id": [item for _, _, item in lines],
            "order_id": [order for _, order, _ in lines],
        },
    )
    made = fit_snapshot(events.lazy(), settings=SETTINGS, log_position=1, folder=tmp_path)
    catalogue = Catalogue()
    for item in ("lamp", "bulb", "mug"):
        catalogue.apply(ItemPatch(id=item, title=item, titles={"de": f"{item} auf Deutsch"}))
    view = View(catalogue, Snapshot.open(tmp_path / made.version))
    return lists.related(view, "lamp", "bought_together", 3, "de", SETTINGS, BEGIN.timestamp())


def test_orders_are_counted_where_many_customers_placed_them(tmp_path: Path) -> None:
    """Twenty orders of twenty customers are told as 20 of 20 orders, with the title in the asked language."""
    (bulb,) = _told(tmp_path, 20, 20).items
    assert (bulb.id, bulb.reason.with_) == ("bulb", "lamp")
    assert (bulb.reason.orders, bulb.reason.of, bulb.reason.customers) == (20, 20, None)
    assert bulb.reason.text == "In 20 of 20 orders with lamp auf Deutsch"


def test_many_orders_of_few_customers_are_not_told(tmp_path: Path) -> None:
    """Twenty orders of four customers would tell of those four: no number is given."""
    (bulb,) = _told(tmp_path, 4, 20).items
    assert (bulb.reason.orders, bulb.reason.of) == (None, None)
    assert bulb.reason.text == "Bought together with lamp auf Deutsch"
