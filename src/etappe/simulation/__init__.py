"""A small shop made from a seed, with people who want things."""

from etappe.simulation.files import Files, write
from etappe.simulation.shop import Shop, simulate
from etappe.simulation.truth import Truth

__all__ = ["Files", "Shop", "Truth", "simulate", "write"]
