"""One visit, live: somebody comes, is shown something, looks around, and maybe buys."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from etappe.simulation.goods.catalogue import CURRENCY
from etappe.simulation.live.surroundings import Surroundings
from etappe.simulation.live.tally import Tally
from etappe.simulation.record.properties import PLACEMENT_OF_LIST, PLACEMENT_OF_PIECE
from etappe.simulation.tables import Ints

ALSO: Final = "product.also"
_PLACES: Final = {PLACEMENT_OF_LIST: 5, ALSO: 4}
_SECONDS: Final = 1.5
"""Between two events of a visit: live, everything is hurried a little."""
_ASKS_ON_PRODUCT: Final = 0.6


class Visit:
    """Somebody's visit; `events` is what happened in it, to be sent when it is over."""

    def __init__(self, around: Surroundings, tally: Tally, person: int, number: str, *, keen: bool) -> None:
        self._around, self._tally = around, tally
        self._person, self._number, self._keen = person, number, keen
        self._stage = int(around.crowd.stage[person])
        people, said = around.world.people, around.world.parameters
        known = around.chance.random() < said.told.stays_logged_in + said.told.logs_in
        self._who: dict[str, Any] = {"anonymous_id": around.device_of.get(person, f"anon-live-{person:08x}")}
        if people.member[person] and (known or keen):
            self._who["user_id"] = around.users[person]
        self._locale = around.locales[people.country[person]]
        self._channel = "app" if people.app[person] and around.chance.random() < said.visits.app else "web"
        self._now = datetime.now(UTC)
        self._cart: list[int] = []
        self.events: list[dict[str, Any]] = []

    def happen(self) -> list[int]:
        """All of it; the rows of the items that were bought."""
        wanted = self._at_home()
        viewed = self._look_around()
        wanted += self._beside(viewed)
        return self._buy(wanted)

    def _at_home(self) -> list[int]:
        """The home page: a list of items, and a piece."""
        answer = self._ask({"page": "home"}, {"name": PLACEMENT_OF_LIST, "limit": _PLACES[PLACEMENT_OF_LIST]},
                           {"name": PLACEMENT_OF_PIECE, "kind": "content", "limit": 1})  # fmt: skip
        wanted = self._respond(answer, PLACEMENT_OF_LIST)
        self._respond_to_piece(answer)
        return wanted

    def _look_around(self) -> list[int]:
        """Views out of one's own interest; some go into the cart."""
        said, chance = self._around.world.parameters, self._around.chance
        median = said.stages[self._stage].views
        count = int(np.clip(np.rint(median * np.exp(chance.normal(0, said.visits.views_spread))), 1, 12))
        who, when = np.full(count, self._person), np.full(count, self._around.day)
        interest = self._around.interest
        category = np.full(count, interest.category(chance, who[:1], when[:1])[0])
        viewed = [item for item in interest.item(chance, who, category).tolist() if item not in self._around.sold_out]
        for item in dict.fromkeys(viewed):
            self._tell("view_item", item_id=self._around.items[item])
            cart = said.visits.keen_cart if self._keen else said.stages[self._stage].cart
            if chance.random() < cart:
                self._put_into_cart(item)
            elif chance.random() < said.stages[self._stage].wish:
                self._tell("add_to_wishlist", item_id=self._around.items[item])
        return viewed

    def _beside(self, viewed: list[int]) -> list[int]:
        """The list on the page of the last item that was looked at."""
        if not viewed or self._around.chance.random() >= _ASKS_ON_PRODUCT:
            return []
        context = {
            "page": "product",
            "item": self._around.items[viewed[-1]],
            "cart": [self._around.items[item] for item in self._cart],
        }
        return self._respond(self._ask(context, {"name": ALSO, "limit": _PLACES[ALSO]}), ALSO)

    def _ask(self, context: dict[str, Any], *placements: dict[str, Any]) -> dict[str, Any]:
        request = {"customer": self._who, "channel": self._channel, "locale": self._locale, "context": context}
        return self._around.client.decide(request | {"placements": list(placements)})

    def _respond(self, answer: dict[str, Any], placement: str) -> list[int]:
        """Impressions, clicks, and what is then wanted, with the known chances."""
        listed = [one["id"] for one in answer["placements"][placement].get("items", [])]
        shown = np.array(
            [self._around.row_of_item[one] for one in listed if one in self._around.row_of_item], dtype=int
        )
        self._tally.saw_list(self._person, shown)
        if not len(shown):
            return []
        click, buy = self._chances(shown)
        self._tally.expected += float(click.sum())
        draws = self._around.chance.random((2, len(shown)))
        wanted = []
        for position, item in enumerate(shown.tolist()):
            about = {"decision": answer["decision"], "placement": placement, "position": position}
            self._tell("impression", item_id=self._around.items[item], properties=about)
            if draws[0, position] < click[position]:
                self._tally.clicks += 1
                self._tell("click", item_id=self._around.items[item], properties=about)
                self._tell("view_item", item_id=self._around.items[item])
                wanted += [item] if draws[1, position] < buy[position] else []
        return wanted

    def _chances(self, shown: Ints) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
        who, feels = np.full(len(shown), self._person), np.full(len(shown), self._stage)
        when = np.full(len(shown), self._around.day)
        seen = np.array([self._around.crowd.saw(self._person, f"i{item}") for item in shown.tolist()])
        click = self._around.response.item_click(who, feels, shown, when, np.arange(len(shown)), seen)
        return click, self._around.response.item_buy(who, feels, shown, when)

    def _respond_to_piece(self, answer: dict[str, Any]) -> None:
        for one in answer["placements"].get(PLACEMENT_OF_PIECE, {}).get("content", [])[:1]:
            row = self._around.row_of_piece.get(one.get("id", ""))
            if row is None:
                continue
            about = {"decision": answer["decision"], "placement": PLACEMENT_OF_PIECE, "position": 0, "piece": one["id"]}
            self._tell("impression", properties=about)
            person, feels, piece = (np.array([number]) for number in (self._person, self._stage, row))
            seen = np.array([self._around.crowd.saw(self._person, f"p{row}")])
            chance = self._around.response.piece_click(person, feels, piece, np.array([self._around.day]), seen)[0]
            self._tally.pieces += 1
            if self._around.chance.random() < chance:
                self._tally.piece_clicks += 1
                self._tell("click", properties=about)
                lift = self._around.response.lift(feels, piece)[0]
                self._around.crowd.lift(self._person, float(lift))

    def _buy(self, wanted: list[int]) -> list[int]:
        """Who has decided pays for the cart, others sometimes do; what is wanted as it was shown is bought anyway."""
        pays = self._keen or self._around.chance.random() < self._around.world.parameters.stages[self._stage].pay
        for item in wanted:
            self._put_into_cart(item)
        bought = [item for item in self._cart if pays or item in wanted]
        if not bought:
            return []
        self._tell("begin_checkout")
        self._now += timedelta(seconds=_SECONDS)
        for item in bought:
            self._tell("purchase", order_id=f"O-{self._number}", **self._priced(item))
        return bought

    def _put_into_cart(self, item: int) -> None:
        if item not in self._cart and item not in self._around.sold_out:
            self._cart.append(item)
            self._tell("add_to_cart", **self._priced(item))

    def _priced(self, item: int) -> dict[str, Any]:
        price = float(self._around.world.shelf.price(np.array([item]), np.array([self._around.day]))[0])
        return {"item_id": self._around.items[item], "quantity": 1, "price": price, "currency": CURRENCY}

    def _tell(self, event: str, **fields: Any) -> None:
        at = self._now + timedelta(milliseconds=len(self.events))
        about = {"event_id": f"{self._number}-{len(self.events)}", "timestamp": at, "event": event}
        self.events.append(about | self._who | {"channel": self._channel} | fields)
