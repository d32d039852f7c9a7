"""The log as others read it: histories, rows to learn from, and what was decided, in its order."""
