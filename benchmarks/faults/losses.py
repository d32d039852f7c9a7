"""Redis loses what it had by an operator's hand, under traffic, and is rebuilt from the log while servers are up.

What was accepted and not yet archived goes with it, and nothing of ours can bring it back. So a strike notes what waits
in the streams at that moment, and sends it again afterwards, as a shop that has its own books would. All else, and that
nothing was taken between the loss and the rebuild, is for the comparison to find out.
"""

import contextlib
import random
import shutil
import time
from typing import Any, Final

import httpx
import msgspec
import redis

from benchmarks.faults.shop import Shop
from etappe.store import keys
from etappe.store.ingesting import rows

PATIENCE: Final = 30.0
_FLUSH: Final = """
local waiting = {}
for _, stream in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
    for at = 2, #entry[2], 2 do
      waiting[#waiting + 1] = entry[2][at]
    end
  end
end
if redis.call('XLEN', ARGV[1]) > 0 then
  return false
end
for _, event in ipairs(waiting) do
  if string.find(event, 'set_consent', 1, true) then
    return false
  end
end
if ARGV[2] == 'flush' then
  redis.call('FLUSHALL')
end
return waiting
"""
"""Denials and links have to be in the log first: they cannot be sent again in time."""


class NotRebuiltError(Exception):
    """The shop did not come back by a rebuild."""


def flush(shop: Shop, _: random.Random) -> None:
    """FLUSHALL, then `etappe rebuild`."""
    with contextlib.closing(shop.client()) as client:
        lost = _waiting(client, "flush")
    _rebuild(shop)
    _send(shop, lost)


def set_back(shop: Shop, chance: random.Random) -> None:
    """Redis is started on a copy of its files made a while before, then `etappe rebuild`."""
    files, older = shop.home / "appendonlydir", shop.home / "older"
    shutil.rmtree(older, ignore_errors=True)
    shutil.copytree(files, older)
    time.sleep(chance.uniform(1.5, 2.5))
    with shop.unattended(), contextlib.closing(shop.client()) as client:
        lost = _paused(client)
        shop.processes["redis"].kill()
        shop.processes["redis"].wait()
        shutil.rmtree(files)
        older.rename(files)
    _rebuild(shop)
    _send(shop, lost)


def _waiting(client: redis.Redis, what: str) -> list[bytes]:
    """The events in the streams at one moment, at which `what` is done."""
    deadline = time.monotonic() + PATIENCE
    streams = keys.streams()
    while time.monotonic() < deadline:
        found: Any = client.eval(_FLUSH, len(streams), *streams, keys.IDENTITY_STREAM, what)
        if found is not None:
            return [rows.unpack(row)[b"e"] for row in found]
        time.sleep(0.01)
    raise NotRebuiltError("denials and links were not archived in time")


def _paused(client: redis.Redis) -> list[bytes]:
    """As `_waiting`; no write comes after it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        client.client_pause(10_000, all=False)
        streams = keys.streams()
        with client.pipeline(transaction=False) as pipe:
            for name in (*streams, keys.IDENTITY_STREAM):
                pipe.xrange(name)
            *found, links = pipe.execute()
        told = [rows.unpack(row) for entries in found for _, fields in entries for row in fields.values()]
        events = [row[b"e"] for row in told]
        if not links and not any(b"set_consent" in event for event in events):
            return events
        client.client_unpause()
        time.sleep(0.01)
    raise NotRebuiltError("denials and links were not archived in time")


def _rebuild(shop: Shop) -> None:
    """Rebuilds once the servers say that they refuse, as the message tells them to."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError, ValueError):
            said = shop.http.get("/readyz").json()
            if "etappe rebuild" in said.get("remedy", ""):
                break
        time.sleep(0.05)
    else:
        raise NotRebuiltError("readiness does not say that Redis has lost what it had")
    ran = shop.command("rebuild")
    if ran.returncode:
        raise NotRebuiltError(f"the rebuild ended with {ran.returncode}: {ran.stderr[-500:]}")


def _send(shop: Shop, lost: list[bytes]) -> None:
    events = [msgspec.json.decode(event) for event in lost]
    deadline = time.monotonic() + PATIENCE
    while events and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if shop.http.post("/v1/events", json={"events": events}).status_code == httpx.codes.ACCEPTED:
                return
        time.sleep(0.05)
    if events:
        raise NotRebuiltError("what was lost could not be sent again")
