"""What the demo shows: a customer in each stage with the answer they get, and how the shop goes on."""

import json
import time
import urllib.request
from typing import Any, Final

import msgspec
import numpy as np

from etappe.cli import show
from etappe.events.vocabulary import CODES
from etappe.simulation import Shop, live
from etappe.simulation.parameters import STAGES
from etappe.simulation.tables import Ints

_LATELY_DAYS: Final = 30.0
_PLACEMENT: Final = {"name": "home.top", "kind": "items", "limit": 3, "max_per_category": 2}
_TELL_SECONDS: Final = 20.0


class Scene(msgspec.Struct, frozen=True):
    """A customer, the stage they truly are in, and what the shop saw of them lately."""

    stage: str
    customer: str
    about: str


def scenes(shop: Shop) -> tuple[Scene, ...]:
    """For each stage the customer who did most since they are in it: they have a story to tell."""
    story, world = shop.story, shop.story.world
    people, record = np.arange(shop.size.customers), story.record
    last = np.searchsorted(story.stays.person, people, side="right") - 1
    since = np.maximum(story.stays.start[last], world.clock.days - _LATELY_DAYS)
    rows = np.flatnonzero((record.user >= 0) & (record.device >= 0))
    here = rows[world.clock.day(record.time[rows]) >= since[record.user[rows]]]
    busy = np.bincount(record.user[here], minlength=len(people))
    refuses = np.isin(people, record.person[record.code == CODES["set_consent"]])
    found = []
    for place, name in enumerate(STAGES):
        person = int(np.where((story.stays.stage[last] == place) & ~refuses, busy, -1).argmax())
        codes, days = record.code[here[record.user[here] == person]], world.clock.days - since[person]
        found.append(Scene(name, shop.named.users[person], _about(shop, person, codes, float(days))))
    return tuple(found)


def ask(url: str, scenes: tuple[Scene, ...]) -> None:
    """One real answer for each, asked over HTTP as a shop's frontend would."""
    show.result("One customer in each stage, as the simulated truth has it, and what each is shown:")
    for place, scene in enumerate(scenes):
        body = json.dumps({"customer": {"user_id": scene.customer}, "placements": [_PLACEMENT]})
        if not place:
            show.result(f"curl -s {url}/v1/decide -d '{body}'")
        answer = _post(f"{url}/v1/decide", body.encode())
        items = answer["placements"]["home.top"]["items"]
        rows = [(one["id"], one["title"], f"{one['price']:.2f}", one["source"], one["reason"]["text"]) for one in items]
        show.result(f"\n{scene.stage}: {scene.customer}, {scene.about}")
        show.table("", ("item", "title", "price", "source", "reason"), rows)


def suggest(url: str, scene: Scene) -> None:
    """What to try next."""
    lines = (
        f"curl -s {url}/v1/customers/{scene.customer}      # who this customer is",
        f"curl -s '{url}/v1/popular?window=7d'       # what sells",
        f"curl -s {url}/schema                    # all addresses, as OpenAPI",
    )
    show.say("Try:\n  " + "\n  ".join(lines))
    show.say("The shop's people keep visiting. Ctrl-C ends it; `make demo` starts it again at once.")


def tell_played(played: live.Played) -> None:
    """What came of the visits."""
    show.say(_line(played))


class Ticker:
    """Tells now and then how the shop goes on."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TELL_SECONDS

    def __call__(self, played: live.Played) -> None:
        """Told after every visit."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_SECONDS
            tell_played(played)


def _line(played: live.Played) -> str:
    worth = f"a list is worth {played.served:.2f} clicks (a random one {played.random:.2f}, the best {played.best:.2f})"
    return f"{played.visits:,} live visits, {played.events:,} events, {played.orders:,} orders; {worth}"


def _about(shop: Shop, person: int, codes: Ints, days: float) -> str:
    """Persona, country, and what they did in these days."""
    world = shop.story.world
    persona = world.parameters.personas[world.people.persona[person]].name
    country = world.parameters.people.countries[world.people.country[person]][0]
    counts = ((_counted(codes, event), words) for event, words in _DOINGS)
    did = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"{persona} from {country}; in the last {days:.0f} days {did or 'nothing'}"


_DOINGS: Final = (
    ("view_item", "looked at"),
    ("search", "searched"),
    ("add_to_wishlist", "wished for"),
    ("add_to_cart", "into the cart"),
    ("purchase", "bought"),
    ("email_open", "mails opened"),
    ("share", "shared"),
)


def _counted(codes: Ints, event: str) -> int:
    return int((codes == CODES[event]).sum())


def _post(url: str, body: bytes) -> Any:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read())
