"""Load on a running server, with Locust's own bounds on users and time. `benchmarks/README.md` has the command.

Ids come from the files of a simulated shop, or from any native file of events; without one, customers and items are
strangers to the server, which is the cheapest question there is.
"""

import random
import uuid
from argparse import ArgumentParser
from typing import Any

import polars as pl
from locust import FastHttpUser, between, events, task
from locust.env import Environment

PLACEMENT = {"name": "list", "kind": "items", "limit": 10, "max_per_category": 3}


class Ids:
    """The customers and items that are asked about, the same for all users of a process."""

    customers: tuple[str, ...] = tuple(f"customer-{number}" for number in range(1000))
    items: tuple[str, ...] = tuple(f"item-{number}" for number in range(1000))


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--events-file", default="", help="Parquet file in native form to take ids from")
    parser.add_argument("--key", default="", env_var="LOCUST_ETAPPE_KEY", help="a secret key")
    parser.add_argument("--events-share", type=float, default=0.2, help="share of requests that send events (0 to 1)")


def _read_ids(environment: Environment, **_: Any) -> None:
    path = environment.parsed_options.events_file if environment.parsed_options else ""
    if path:
        known = pl.read_parquet(path, columns=["user_id", "item_id"])
        Ids.customers = tuple(known["user_id"].drop_nulls().unique())
        Ids.items = tuple(known["item_id"].drop_nulls().unique())


class Visitor(FastHttpUser):
    """Somebody on a shop's pages: asks for decisions, and tells now and then what they looked at."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        """Takes the key along, and a name."""
        options = self.environment.parsed_options
        self.share: float = options.events_share if options else 0.0
        self.headers = {"authorization": f"Bearer {options.key}"} if options and options.key else {}
        self.customer = random.choice(Ids.customers)

    @task
    def visit(self) -> None:
        """One page."""
        item = random.choice(Ids.items)
        if random.random() < self.share:
            event = {"event": "view_item", "event_id": uuid.uuid4().hex, "user_id": self.customer, "item_id": item}
            self._post("/v1/events", {"events": [event]})
        body = {"customer": {"user_id": self.customer}, "context": {"item": item}, "placements": [PLACEMENT]}
        self._post("/v1/decide", body)

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self.client.post(path, json=body, headers=self.headers)


events.init_command_line_parser.add_listener(_options)  # type: ignore[no-untyped-call]
events.test_start.add_listener(_read_ids)  # type: ignore[no-untyped-call]
