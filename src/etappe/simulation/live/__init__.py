"""The simulated shop played live: people go on where the story ended, and respond to what Etappe shows them."""

from etappe.simulation.live.client import Client
from etappe.simulation.live.play import Pace, Played, play

__all__ = ["Client", "Pace", "Played", "play"]
