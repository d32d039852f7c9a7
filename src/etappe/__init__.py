"""Etappe: recommendations and next best actions, one stage of the journey at a time."""

__version__ = "0.1.0"
