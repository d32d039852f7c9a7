"""Files of other systems, translated into the log and the catalogue."""

from etappe.importing.catalogue.items import import_items
from etappe.importing.run import import_events

__all__ = ["import_events", "import_items"]
