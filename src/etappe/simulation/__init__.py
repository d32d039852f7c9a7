"""A shop made from a seed, with people whose wants, stages and responses are known.

It shares no rule with the rest of Etappe, and the rest knows nothing of it: by its truth the rest is judged.
"""

from etappe.simulation.files import Files, write
from etappe.simulation.oracle import Oracle
from etappe.simulation.shop import Shop, simulate
from etappe.simulation.truth import Truth
from etappe.simulation.world import Size

__all__ = ["Files", "Oracle", "Shop", "Size", "Truth", "simulate", "write"]
