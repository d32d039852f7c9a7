"""A small shop made from a seed, with people who want things."""
