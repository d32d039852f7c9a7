"""How the hot path speaks to Redis: commands in, replies out, no more. Everything else of `store` uses redis-py."""

from etappe.store.wire.budget import within
from etappe.store.wire.opening import open_wire
from etappe.store.wire.port import Command, Reply, Wire, ask_all, ask_one, ask_script, ask_scripts
from etappe.store.wire.through_redis_py import RedisPy
from etappe.store.wire.twin import InMemory

__all__ = [
    "Command",
    "InMemory",
    "RedisPy",
    "Reply",
    "Wire",
    "ask_all",
    "ask_one",
    "ask_script",
    "ask_scripts",
    "open_wire",
    "within",
]
