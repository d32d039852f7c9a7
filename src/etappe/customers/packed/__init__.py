"""The base of a customer in few bytes: packed, read again, and rid of what has aged."""
