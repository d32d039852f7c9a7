"""What is bought again and again: the snapshot's part that tells refills from what one buys once."""

from typing import Final

import numpy as np

from etappe.models.parts import ITEMS, NOT_NEGATIVE, Array, Part

REPURCHASE: Final = Part(
    "repurchase",
    "what is bought again",
    (Array("repeats", np.int32, (ITEMS,), "customers who bought the item in two orders or more", (NOT_NEGATIVE,)),),
)
