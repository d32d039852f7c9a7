"""The durable log: Parquet by day, made visible by commits."""

from etappe.store.log.log import Log
from etappe.store.log.rows import as_rows
from etappe.store.log.staging import Transaction
from etappe.store.log.state import Commit, LogFile

__all__ = ["Commit", "Log", "LogFile", "Transaction", "as_rows"]
