"""Traffic with an account: what was sent, and what was answered."""

import random
import threading
import time
from collections import Counter
from typing import Final

import httpx

from benchmarks.faults.plan import THREADS, Body, Plan

PATIENCE: Final = 60.0
"""Seconds after which a batch that nobody took is given up."""
PACE: Final = 0.12
"""Longest pause between two batches of a thread (s), so that a fault falls among them."""


def new_http(url: str) -> httpx.Client:
    """A client whose every request is a connection of its own, so that any serving process may answer."""
    return httpx.Client(
        base_url=url, timeout=15, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0)
    )


class Client:
    """Sends a plan, each batch until it is answered 202, and keeps the account."""

    def __init__(self, url: str, made: Plan, seed: int) -> None:
        self.plan = made
        self._seed = seed
        self.answered: set[str] = set()
        self.sent = 0
        self.accepted = 0
        self.refusals: Counter[str] = Counter()
        self.failures: list[str] = []
        self._consented = threading.Event()
        self._http = new_http(url)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(THREADS)]

    def start(self) -> None:
        """Begins to send."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Waits until all is answered or given up."""
        for thread in self._threads:
            thread.join(PATIENCE * 2)

    def post(self, events: list[Body]) -> bool:
        """Sends a batch until it is taken; whether it was."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._taken(events):
                return True
            time.sleep(0.06)
        self.failures.append(f"a batch was not taken within {PATIENCE:.0f} s: {dict(self.refusals)}")
        return False

    def _run(self, thread: int) -> None:
        chance = random.Random(self._seed * THREADS + thread)
        for number, batch in enumerate(self.plan.batches[thread]):
            if thread == 0 and number == 0:
                self.post(batch)
                self._consented.set()
                continue
            self._consented.wait(PATIENCE)
            if batch and not self.post(batch):
                return
            self._decide(batch)
            time.sleep(chance.random() * PACE)

    def _taken(self, events: list[Body]) -> bool:
        self.sent += len(events)
        status, said = _asked(self._http, "/v1/events", {"events": events})
        if status != 202:
            with self._lock:
                self.refusals[f"{status} {said.get('detail', '')[:160]}"] += 1
            if 400 <= status < 500:
                self.failures.append(f"a batch was answered {status}: {said}")
            return False
        with self._lock:
            self.accepted += said["accepted"]
            self.answered |= {event["event_id"] for event in events}
            if said["rejected"]:
                self.failures.append(f"rejected: {said['rejected'][:3]}")
        return True

    def _decide(self, batch: list[Body]) -> None:
        """A decision now and then, of whatever quality."""
        who = {
            name: value
            for name, value in (batch[0] if batch else {}).items()
            if name.endswith("s_id") or name == "user_id"
        }
        _asked(self._http, "/v1/decide", {"customer": who, "placements": [{"name": "p"}]})


def _asked(http: httpx.Client, path: str, body: Body) -> tuple[int, Body]:
    try:
        answer = http.post(path, json=body)
        return answer.status_code, answer.json()
    except (httpx.TransportError, ValueError) as error:
        return 0, {"detail": type(error).__name__}
