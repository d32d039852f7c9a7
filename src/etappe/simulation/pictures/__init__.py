"""Pictures of goods, drawn as SVG from what can be seen of them."""

from etappe.simulation.pictures.draw import draw
from etappe.simulation.pictures.look import Look, name

__all__ = ["Look", "draw", "name"]
