"""Faults under traffic: what is struck, what was promised, and whether log and records hold it."""
