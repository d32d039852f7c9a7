"""Erased customers out of log, files and append-only file."""
