"""What those bought who had an item on their wish list: the snapshot's part; `copurchase` reads its lists."""

from typing import Final

import numpy as np

from etappe.models.copurchase import lists
from etappe.models.parts import ITEMS, NOT_NEGATIVE, Array, Part

WISHLISTS: Final = Part(
    "wishlists",
    "neighbours across wish lists and purchases",
    (
        Array("wished", np.int32, (ITEMS,), "customers who had the item on their wish list", (NOT_NEGATIVE,)),
        *lists("wishlist_bought", "what those customers bought", "how many of them bought it"),
    ),
)
