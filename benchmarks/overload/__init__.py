"""Decisions under more load than one process bears."""
