"""The stages people go through, what touches them on the way, and when they come."""
