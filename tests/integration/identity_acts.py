"""What may happen in the model of identities, and to whom."""

from typing import Final

from hypothesis import strategies as st
from tests.integration.world import PROCESSES

from etappe.events.identities import Identity

USERS: Final = [Identity("user_id", name) for name in ("anna", "bert")]
BROWSERS: Final = [Identity("anonymous_id", f"b{number}") for number in range(3)]
MAILS: Final = [Identity("email_sha256", digit * 64) for digit in "12"]
RECEIPTS: Final = [Identity("order_email_sha256", one.value) for one in MAILS]
OTHERS: Final = [Identity("device", "tablet"), Identity("loyalty_card", "4711"), Identity("external:crm", "7")]
EVERYONE: Final = [*USERS, *BROWSERS, *MAILS, *RECEIPTS, *OTHERS]
ITEMS: Final = [f"i{number}" for number in range(6)]

ANYONE = st.sampled_from(EVERYONE)
PAIR = st.lists(ANYONE, min_size=2, max_size=2, unique_by=lambda one: one.kind)
SEVERAL = st.lists(ANYONE, min_size=1, max_size=3, unique_by=lambda one: one.kind)
TRIO = st.lists(ANYONE, min_size=3, max_size=3, unique=True)
AFTER = st.integers(0, 16)
PROCESS = st.integers(0, PROCESSES - 1)
DAYS = st.sampled_from([0, 0, 0, 1, 40])
PURCHASE = st.fixed_dictionaries(
    {
        "item_id": st.sampled_from(ITEMS),
        "price": st.sampled_from([1.5, 20.0]),
        "order_id": st.sampled_from(["o1", "o2", "o3"]),
    }
)
ACTS = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                "view_item",
                "add_to_cart",
                "remove_from_cart",
                "add_to_wishlist",
                "remove_from_wishlist",
                "ignore",
                "gift",
            ]
        ),
        st.fixed_dictionaries({"item_id": st.sampled_from(ITEMS)}),
    ),
    st.tuples(st.sampled_from(["purchase", "refund"]), PURCHASE),
    st.tuples(
        st.just("rate"),
        st.fixed_dictionaries(
            {"item_id": st.sampled_from(ITEMS), "properties": st.fixed_dictionaries({"rating": st.integers(1, 5)})}
        ),
    ),
    st.tuples(
        st.just("set_traits"),
        st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), min_size=1)}),
    ),
    st.tuples(
        st.just("view_item"),
        st.just({"item_id": "i0", "properties": {"staff": True}}),
    ),
)
CHANGES = st.sampled_from(["link", "alias", "part"])
