"""The plan of some traffic: its events, and what log and records have to say of them afterwards."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from etappe.ids import Subject, subject_of

Body = dict[str, Any]
USERS: Final = 6
DENIED: Final = 2
THREADS: Final = 4
BATCHES: Final = 6
"""Batches of each thread."""
_WHEN: Final = datetime(2026, 3, 1, tzinfo=UTC)


class Told(msgspec.Struct, frozen=True):
    """What the log has to say of an event: its subject; none for a sale to nobody and for who denied consent."""

    identity: tuple[str, str] | None
    private: bool = False


class Customer(msgspec.Struct):
    """What the record of a user has to say."""

    events: set[str] = msgspec.field(default_factory=set)
    revenue: float = 0.0


class Plan(msgspec.Struct):
    """The batches of each thread, the first of which have to be answered before the others are sent."""

    mark: str
    batches: list[list[list[Body]]]
    told: dict[str, Told] = msgspec.field(default_factory=dict)
    customers: dict[str, Customer] = msgspec.field(default_factory=dict)
    denied: list[str] = msgspec.field(default_factory=list)

    def subjects(self, secret: bytes) -> dict[str, Subject | None]:
        """The subject that the log has to have for each event."""
        return {one: subject_of(secret, *told.identity) if told.identity else None for one, told in self.told.items()}


class _Planner:
    def __init__(self, mark: str, chance: random.Random) -> None:
        self.plan = Plan(mark, [[] for _ in range(THREADS)])
        self._chance = chance
        self._count = 0
        self._when = _WHEN + timedelta(days=chance.randrange(20))

    def event(self, name: str, who: Body, user: str | None, **more: Any) -> Body:
        """One more event. `user` is whose record it ends up in; None where in nobody's."""
        self._count += 1
        stamp = (self._when + timedelta(seconds=self._count * 7)).isoformat()
        event: Body = {"event": name, "event_id": f"{self.plan.mark}-{self._count}", **who, **more}
        if self._chance.random() < 0.8:
            event["timestamp"] = stamp
        identity: tuple[str, str] | None = next(
            ((kind, who[kind]) for kind in ("user_id", "anonymous_id") if kind in who), None
        )
        card = more.get("properties", {}).get("identities", {}).get("loyalty_card")
        if identity is None and card:
            identity = ("loyalty_card", card)
        self.plan.told[event["event_id"]] = Told(identity)
        if user is not None:
            customer = self.plan.customers.setdefault(user, Customer())
            customer.events.add(event["event_id"])
            customer.revenue += more.get("price", 0.0) * more.get("quantity", 1) if name == "purchase" else 0.0
        return event

    def private(self, name: str, who: Body, **more: Any) -> Body:
        """One more event of somebody who denied consent."""
        event = self.event(name, who, None, **more)
        self.plan.told[event["event_id"]] = Told(None, private=True)
        return event

    def sale(self) -> Body:
        """Price and quantity of a line."""
        return {"price": self._chance.randrange(100, 5000) / 100, "quantity": self._chance.randrange(1, 4)}

    def of_user(self, number: int) -> list[Body]:
        """Events of a user, before and after it is known that a browser and a card are theirs."""
        user = f"{self.plan.mark}-u{number}"
        browser, card = {"anonymous_id": f"{user}-a"}, {"identities": {"loyalty_card": f"{user}-c"}}
        found = [self.event("view_item", browser, user, item_id=f"i{n}") for n in range(6)]
        found.append(self.event("login", {"user_id": user, **browser}, user))
        found += [self.event("view_item", {"user_id": user}, user, item_id=f"i{n}") for n in range(6)]
        found += [
            self.event("purchase", {"user_id": user}, user, item_id=f"i{n}", order_id=user, **self.sale())
            for n in range(4)
        ]
        if number % 2:
            till = {"item_id": "i9", "order_id": f"{user}-till", "channel": "store", "properties": card}
            found.append(self.event("purchase", {}, user, **till, **self.sale()))
            found.append(self.event("identify", {"user_id": user}, user, properties=card | {"city": "Ulm"}))
        return found

    def others(self) -> list[Body]:
        """Sales to nobody, and events of customers who denied consent."""
        mark = self.plan.mark
        found = [
            self.event("purchase", {}, None, item_id="i1", order_id=f"{mark}-o{n}", **self.sale()) for n in range(6)
        ]
        for user in self.plan.denied:
            found += [self.private("view_item", {"user_id": user}, item_id=f"i{n}") for n in range(5)]
            found.append(self.private("purchase", {"user_id": user}, item_id="i2", order_id=f"{user}-o", **self.sale()))
        return found


def plan(mark: str, seed: int) -> Plan:
    """The traffic of one run, whose ids all begin with `mark`; the same for the same seed."""
    chance = random.Random(seed)
    planner = _Planner(mark, chance)
    made = planner.plan
    made.denied = [f"{mark}-d{number}" for number in range(DENIED)]
    said = {"properties": {"personalisation": False}}
    refusals = [planner.event("set_consent", {"user_id": user}, None, **said) for user in made.denied]
    events = [event for number in range(USERS) for event in planner.of_user(number)] + planner.others()
    events += chance.sample(events, len(events) // 5)
    chance.shuffle(events)
    size = -(-len(events) // (THREADS * BATCHES))
    for number in range(THREADS * BATCHES):
        made.batches[number % THREADS].append(events[number * size : (number + 1) * size])
    made.batches[0].insert(0, refusals)
    return made
