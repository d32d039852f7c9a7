"""Keeping the log small: its files merged, old ones deleted, checkpoints made."""

import logging

from etappe.log import Log

_log = logging.getLogger("etappe.compaction")


def compact(log: Log) -> int:
    """Does what is due of it, a moment's work at most; returns how many files were merged into others."""
    merged = log.compact()
    if merged:
        _log.info("%d files of the log were merged", merged)
    return merged
