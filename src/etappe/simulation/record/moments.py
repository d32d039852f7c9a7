"""Moments: what happens in a visit or beside it, before anybody asks who did it."""

from typing import Final

import numpy as np

from etappe.events.vocabulary import CHANNELS, CODES
from etappe.simulation.tables import Floats, Ints, Table

NONE: Final = -1
VIEW, LIST, SELECT, SEARCH = (CODES[name] for name in ("view_item", "view_item_list", "select_item", "search"))
CART, UNCART, WISH, IGNORE = (CODES[name] for name in ("add_to_cart", "remove_from_cart", "add_to_wishlist", "ignore"))
CHECKOUT, PAYMENT, PURCHASE, REFUND = (
    CODES[name] for name in ("begin_checkout", "add_payment_info", "purchase", "refund")
)
LOGIN, SIGN_UP, TRAITS, CONSENT = (CODES[name] for name in ("login", "sign_up", "set_traits", "set_consent"))
SUBSCRIBE, OPEN, MAIL_CLICK, SENT = (CODES[name] for name in ("subscribe", "email_open", "email_click", "other"))
AD, IMPRESSION, CLICK, SHARE = (CODES[name] for name in ("ad_click", "impression", "click", "share"))
RATE, REVIEW, GIFT = (CODES[name] for name in ("rate", "review", "gift"))
SERVICE, STORE_VISIT = CODES["service_contact"], CODES["store_visit"]
DELIVERY, COMPLAINT, RETURN, SURVEY = (CODES[name] for name in ("delivery", "complaint", "return", "survey"))
EMAIL_SEND, MESSAGE_SEND, MESSAGE_OPEN, MESSAGE_CLICK = (
    CODES[name] for name in ("email_send", "message_send", "message_open", "message_click")
)
ADS, EMAIL, PHONE, SMS, PUSH = (CHANNELS.index(name) for name in ("ad", "email", "phone", "sms", "push"))

OF_ITEM: Final = (VIEW, SELECT, CART, UNCART, WISH, IGNORE, PURCHASE, REFUND, RATE, REVIEW, GIFT, SHARE, RETURN)
"""Codes of events that name their item."""
PRICED: Final = (CART, UNCART, PURCHASE, REFUND)
"""Codes of events with quantity and price."""


class Moments(Table, frozen=True):
    """One row an event."""

    visit: Ints
    """Row of the visits."""
    place: Floats
    """Orders the events of a visit."""
    code: Ints
    """`vocabulary.CODES`."""
    item: Ints
    """Row of the goods, or NONE."""
    quantity: Ints
    """0 for none."""
    day: Floats
    """When it happens; filled in last for what happens in a visit."""
    channel: Ints
    """Place in `vocabulary.CHANNELS`; NONE for that of the visit."""
    said: Ints
    """What its properties say: a number of `properties.SAYS`, 0 for nothing."""
    ref: Ints
    """What they say it of: a row, or a number."""
    other: Ints
    """The same, where they speak of two."""


def moments(code: int, visit: Ints, place: Floats | float, **columns: Ints | Floats | int) -> Moments:
    """Moments of one kind; columns that are not named are empty."""
    count = len(visit)
    empty = {"item": NONE, "quantity": 0, "day": np.nan, "channel": NONE, "said": 0, "ref": NONE, "other": NONE}
    filled = {name: np.broadcast_to(np.asarray(columns.get(name, value)), count) for name, value in empty.items()}
    return Moments(
        visit=visit,
        place=np.broadcast_to(np.asarray(place, dtype=np.float64), count),
        code=np.full(count, code),
        **filled,
    )
