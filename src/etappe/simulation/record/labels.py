"""The ids by which the outside knows people, devices, items and pieces."""

import hashlib

import polars as pl

from etappe.simulation.goods.catalogue import item_ids
from etappe.simulation.goods.pieces import pieces
from etappe.simulation.record.properties import Labels
from etappe.simulation.world import World


def labels(world: World, devices: int) -> Labels:
    """The ids of all people, of so many devices, and of all items and pieces."""
    run = world.size.run()
    salt = run.encode()
    tokens = [hashlib.blake2b(b"%d" % number, digest_size=8, salt=salt).hexdigest() for number in range(devices)]
    return Labels(
        run=run,
        users=pl.Series([f"C{number:05}" for number in range(1, len(world.people) + 1)], dtype=pl.String),
        devices=pl.Series([f"anon-{token}" for token in tokens], dtype=pl.String),
        items=pl.Series(item_ids(world.goods, world.assortment), dtype=pl.String),
        pieces=pl.Series([piece.id for piece in pieces()], dtype=pl.String),
    )
