"""The durable log: Parquet by day, made visible by commits."""

from etappe.log.log import Log
from etappe.log.rows import as_rows
from etappe.log.staging import Transaction
from etappe.log.state import Commit, LogFile

__all__ = ["Commit", "Log", "LogFile", "Transaction", "as_rows"]
