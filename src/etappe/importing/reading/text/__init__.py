"""The text of a file: how it is encoded, and what of it is not what was meant."""
