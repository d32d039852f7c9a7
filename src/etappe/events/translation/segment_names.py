"""What Segment's track calls are in the vocabulary: its specifications for shops, e-mail, chat and accounts.

Names are compared without regard to case. Those of the first version of the specification for shops are known too.
"""

from collections.abc import Mapping
from typing import Final

from etappe.events.traffic import OTHER
from etappe.events.translation import drafts

ITEM: Final[Mapping[str, str]] = {
    "Product Clicked": "select_item",
    "Product Viewed": "view_item",
    "Viewed Product": "view_item",
    "Product Added": "add_to_cart",
    "Added Product": "add_to_cart",
    "Wishlist Product Added to Cart": "add_to_cart",
    "Product Removed": "remove_from_cart",
    "Removed Product": "remove_from_cart",
    "Product Added to Wishlist": "add_to_wishlist",
    "Product Removed from Wishlist": "remove_from_wishlist",
    "Order Completed": "purchase",
    "Completed Order": "purchase",
    "Order Refunded": "refund",
    "Order Cancelled": "refund",
    "Product Shared": "share",
    "Product Reviewed": "review",
    "Products Searched": "search",
    "Email Opened": "email_open",
    "Email Link Clicked": "email_click",
    "Email Delivered": "email_send",
    "Push Notification Received": "message_send",
    "Push Notification Tapped": "message_click",
    "Email Marked as Spam": "unsubscribe",
    "Unsubscribed": "unsubscribe",
    "Subscribed": "subscribe",
    "Signed Up": "sign_up",
    "Account Created": "sign_up",
    "Signed In": "login",
    "Logged In": "login",
    "Live Chat Conversation Started": "service_contact",
}
"""Calls about one product, or each of several, or none."""

LIST: Final[Mapping[str, str]] = {
    "Product List Viewed": "view_item_list",
    "Viewed Product Category": "view_item_list",
    "Product List Filtered": "view_item_list",
    "Promotion Viewed": "view_promotion",
    "Viewed Promotion": "view_promotion",
    "Promotion Clicked": "select_promotion",
    "Clicked Promotion": "select_promotion",
    "Checkout Started": "begin_checkout",
    "Payment Info Entered": "add_payment_info",
    "Cart Shared": "share",
}
"""Calls about products together."""

_KNOWN: Final = {name.lower(): (event, False) for name, event in ITEM.items()} | {
    name.lower(): (event, True) for name, event in LIST.items()
}


def channel(event: str, name: object) -> str | None:
    """The channel that an event of that name came through, where its name tells."""
    if event.startswith("email_"):
        return "email"
    return "push" if isinstance(name, str) and name.strip().lower().startswith("push notification ") else None


def of(name: object, said: Mapping[str, object], products: object = None) -> tuple[str, bool]:
    """The event of a track call that says `said`, and whether it is about its `products` together."""
    if not isinstance(name, str) or not name:
        return "", True
    known = _KNOWN.get(name.strip().lower())
    if known:
        return known
    event = drafts.same(name, said, products)
    return event, event in (OTHER, "page_view", "survey")
