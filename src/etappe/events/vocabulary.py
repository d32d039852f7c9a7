"""The events Etappe understands, by GA4's names where it has one, as tagged Structs.

The class docstrings are the vocabulary as `docs/events.md` shows it. `CODES` and `STRENGTH` belong to the records in
Redis: a code is never given to another event.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
import numpy as np
from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]
Money = Annotated[float, Meta(ge=0, le=1e12)]
Currency = Annotated[
    str, Meta(pattern="^[A-Z]{3}$", max_length=3)
]  # the length, as $ stands before a last line end too
Channel = Literal["web", "app", "email", "sms", "push", "store", "ad", "phone", "social", "chat", "print", "agent"]

CHANNELS: Final[tuple[str, ...]] = get_args(Channel)
"""By place: records keep a channel's place, so that new ones come last. There is room for 15."""


class Event(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="event"):
    """What every event may carry. Without `timestamp` it happened when it arrived (UTC)."""

    event_id: Id | None = None
    timestamp: datetime | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None
    item_id: Id | None = None
    quantity: Quantity | None = None
    price: Money | None = None
    currency: Currency | None = None
    order_id: Id | None = None
    channel: Channel | None = None
    properties: dict[str, Any] | None = None


class ItemEvent(Event):
    """An event about one item, which it must name."""

    item_id: Id


class ViewItem(ItemEvent, tag="view_item"):
    """The page of an item was opened."""


class ViewItemList(Event, tag="view_item_list"):
    """A list of items was shown: a category, a search result."""


class SelectItem(ItemEvent, tag="select_item"):
    """An item was chosen from a list."""


class Search(Event, tag="search"):
    """The shop was searched; `properties.search_term` has the words."""


class AddToCart(ItemEvent, tag="add_to_cart"):
    """An item was put into the cart."""


class RemoveFromCart(ItemEvent, tag="remove_from_cart"):
    """An item was taken out of the cart."""


class AddToWishlist(ItemEvent, tag="add_to_wishlist"):
    """An item was put on the wish list."""


class RemoveFromWishlist(ItemEvent, tag="remove_from_wishlist"):
    """An item was taken off the wish list."""


class BeginCheckout(Event, tag="begin_checkout"):
    """The checkout was entered."""


class AddPaymentInfo(Event, tag="add_payment_info"):
    """Payment details were given."""


class Purchase(ItemEvent, tag="purchase"):
    """One line of an order was bought: `quantity` pieces at `price` each. Lines of one order share `order_id`."""

    claim: bool = False
    """Whether a browser says so, which nobody has confirmed."""


class Refund(Event, tag="refund"):
    """A purchase was given back: the item's line, or the whole order where no item is named."""

    claim: bool = False


class Login(Event, tag="login"):
    """The customer logged in."""


class SignUp(Event, tag="sign_up"):
    """The customer opened an account."""


class Share(Event, tag="share"):
    """An item or piece was shared."""


class GenerateLead(Event, tag="generate_lead"):
    """The customer left their details: a form, a request for a quote."""


class ViewPromotion(Event, tag="view_promotion"):
    """A promotion was seen."""


class SelectPromotion(Event, tag="select_promotion"):
    """A promotion was chosen."""


class Rate(ItemEvent, tag="rate"):
    """The customer rated an item; `properties.rating` is 1 to 5."""


class Ignore(ItemEvent, tag="ignore"):
    """The customer does not want to see this item again."""


class Gift(ItemEvent, tag="gift"):
    """The purchase of this item (in `order_id`, if given) was a gift and says nothing of the buyer's taste."""


class Review(ItemEvent, tag="review"):
    """The customer wrote a review."""


class ServiceContact(Event, tag="service_contact"):
    """The customer spoke with service: `properties.topic` says about what, `properties.state` how it stands."""


class Subscribe(Event, tag="subscribe"):
    """The customer subscribed to a newsletter or list."""


class Unsubscribe(Event, tag="unsubscribe"):
    """The customer left a newsletter or list."""


class EmailOpen(Event, tag="email_open"):
    """An e-mail was opened."""


class EmailClick(Event, tag="email_click"):
    """A link in an e-mail was followed."""


class AdClick(Event, tag="ad_click"):
    """An advertisement was followed; `properties.campaign` names it."""


class StoreVisit(Event, tag="store_visit"):
    """The customer was in a store."""


class Impression(Event, tag="impression"):
    """Something of a decision was really seen; `properties.decision` names the decision."""


class Click(Event, tag="click"):
    """Something of a decision was clicked; `properties.decision` names the decision."""


class Dismiss(Event, tag="dismiss"):
    """Something of a decision was waved away; `properties.decision` names the decision."""


class SetTraits(Event, tag="set_traits"):
    """What is known of the customer: `properties` are the traits, a later value replaces an earlier one."""


class SetConsent(Event, tag="set_consent"):
    """The customer's consent by purpose: `properties` maps purposes (`personalisation`, ...) to true or false."""


class Identify(Event, tag="identify"):
    """Who this is: links all identities it names; its other `properties` are traits, as in `set_traits`."""


class Alias(Event, tag="alias"):
    """Two identities are the same customer, two `user_id`s too: `properties.previous_id` is the other one."""


class Other(Event, tag="other"):
    """What has no name of its own here; `properties.event_name` has the one it came with. Kept in the log alone."""


class PageView(Event, tag="page_view"):
    """A page or screen was opened; its [touch](#touches) says how the visit came about."""


class Survey(Event, tag="survey"):
    """The customer answered a question: `properties.question` names it, `properties.answer` is what they said."""


class Delivery(Event, tag="delivery"):
    """An order, or an item of it, reached the customer."""


class Complaint(Event, tag="complaint"):
    """The customer complained: `properties.topic` says about what, `properties.state` how it stands."""


class Return(Event, tag="return"):
    """An item, or a whole order, came back from the customer. Money that goes back for it is a `refund`."""


class EmailSend(Event, tag="email_send"):
    """An e-mail was sent to the customer, by Etappe or another system."""


class MessageSend(Event, tag="message_send"):
    """A message other than an e-mail was sent to the customer; `channel` says through which: SMS, push, chat, print."""


class MessageOpen(Event, tag="message_open"):
    """A message other than an e-mail was opened."""


class MessageClick(Event, tag="message_click"):
    """A link in a message other than an e-mail was followed."""


AnyEvent = (
    ViewItem | ViewItemList | SelectItem | Search | AddToCart | RemoveFromCart | AddToWishlist | RemoveFromWishlist
    | BeginCheckout | AddPaymentInfo | Purchase | Refund | Login | SignUp | Share | GenerateLead | ViewPromotion
    | SelectPromotion | Rate | Ignore | Gift | Review | ServiceContact | Subscribe | Unsubscribe | EmailOpen
    | EmailClick | AdClick | StoreVisit | Impression | Click | Dismiss | SetTraits | SetConsent | Identify | Alias
    | Other | PageView | Survey | Delivery | Complaint | Return | EmailSend | MessageSend | MessageOpen | MessageClick
)  # fmt: skip
"""The closed union of all events; its order is the order of `CODES`, so that new ones come last."""

TYPES: Final[dict[str, type[Event]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyEvent)}
NAME_OF: Final[dict[type[Event], str]] = {kind: name for name, kind in TYPES.items()}
"""Names by type: msgspec makes a new object of the struct's settings each time that its tag is asked."""
CODES: Final[dict[str, int]] = {name: code for code, name in enumerate(TYPES, start=1)}
NAMES: Final[dict[int, str]] = {code: name for name, code in CODES.items()}

_STRENGTH = {
    "view_item": 1.0,
    "select_item": 1.0,
    "add_to_cart": 3.0,
    "remove_from_cart": -2.0,
    "add_to_wishlist": 3.0,
    "remove_from_wishlist": -2.0,
    "purchase": 5.0,
    "refund": -4.0,
    "review": 1.0,
    "click": 0.5,
    "share": 2.0,
}


def _strengths() -> np.ndarray:
    table = np.zeros(256, dtype=np.float64)
    for name, strength in _STRENGTH.items():
        table[CODES[name]] = strength
    return table


STRENGTH: Final = _strengths()
"""float64[256]: how much one event of a code says about taste, before it ages. A purchase counts 5 views."""

DECIDED_BY_ARRIVAL: Final = frozenset({"set_consent", "set_traits", "identify", "alias", "subscribe", "unsubscribe"})
"""Events by which something is so from now on, of those of one time by the last to arrive."""
DECIDED_BY_TIME: Final = frozenset(
    {
        "add_to_cart", "remove_from_cart", "add_to_wishlist", "remove_from_wishlist", "rate", "ignore", "gift",
        "dismiss", "login", "sign_up", "generate_lead", "survey",
    }
)  # fmt: skip
"""Events by which something is so from their time on, in whatever order they arrive."""


def known_by_content(name: str, *, timed: bool) -> bool:
    """Whether an event without an id is a repeat where one that says the same came before.

    One that decides is none: between the two the opposite may have been said. But where time alone decides, the same
    thing said again at a time of its own (`timed`) changes nothing, and would only weigh twice.
    """
    return name not in DECIDED_BY_ARRIVAL and (timed or name not in DECIDED_BY_TIME)
