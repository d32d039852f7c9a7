"""The commands: where each is found, and what it says of itself.

A command is named and not imported, so that no command waits for what only another one needs: polars, numba, Redis.
Help is told from here for the same reason; a test holds it against the docstrings.
"""

from typing import Final

import msgspec


class Command(msgspec.Struct, frozen=True):
    """A command by its name, the function or app behind it (`module:name` below `etappe.cli`), and its help."""

    name: str
    target: str
    help: str


COMMANDS: Final = (
    Command(
        "import",
        "bringing.files:import_events",
        "Import events: CSV, spreadsheets, JSON or Parquet; plain, .gz, .zst or .zip; several files, and patterns.\n\n"
        "All of them come in or nothing does. A second import of a file adds nothing.",
    ),
    Command(
        "import-items",
        "bringing.files:import_items",
        "Import the catalogue: CSV, spreadsheets, JSON, Parquet or a product feed; plain, .gz, .zst or .zip.\n\n"
        "Items that are there already are changed. What the columns mean is told by their names.",
    ),
    Command(
        "import-customers",
        "bringing.customers:import_customers",
        "Import a table of customers, as a CRM exports it: traits, consents, identities, household and company.\n\n"
        "Columns are known by their names, or by a mapping. A second import of a file adds nothing.",
    ),
    Command(
        "look",
        "bringing.look:look",
        "Look at any file: what its columns are, what they become, what is wrong; and write a mapping of it.\n\n"
        "Exit 0 where it can be imported by that mapping as it is, 1 where a person has to decide something.",
    ),
    Command(
        "simulate",
        "simulating.simulate:simulate",
        "Make a shop from a seed: catalogue, content, all that happened, responses, and the truth behind them.\n\n"
        "With --live its people go on from where the story ended: they visit, are shown what a running Etappe\n"
        "decides, and respond to it with the known chances.",
    ),
    Command(
        "train",
        "learning.models:train",
        "Train on the log: fit, evaluate, pass the gate, publish. Whoever serves swaps without dropping a request.",
    ),
    Command(
        "evaluate",
        "learning.models:evaluate",
        "Evaluate on a temporal split: each source and the list served, repeat and new items apart.",
    ),
    Command(
        "publish", "learning.models:publish", "Publish a snapshot of the data folder: the one named, or the newest."
    ),
    Command("rollback", "learning.models:rollback", "Serve the snapshot published before the current one."),
    Command(
        "ropo",
        "asking.reports:ropo",
        "Research online, purchase offline: the share of store purchases that customers looked at online before.",
    ),
    Command("decide", "asking.ask:decide", "Decide for one customer and print the answer."),
    Command(
        "check",
        "checks.check:check",
        "Check settings, Redis, log, catalogue and snapshot, and that they belong together; exit 0 where all is well."
        "\n\nNothing is changed.",
    ),
    Command("serve", "running.serve:serve", "Serve the API; with the embedded store the worker runs along."),
    Command(
        "worker",
        "running.work:worker",
        "Archive events into the log, fold customers' records, compile the catalogue, until stopped.",
    ),
    Command(
        "rebuild",
        "keeping.safekeeping:rebuild",
        "Make everything in Redis anew from the log: after a loss, or a change of learning.half_life_days.",
    ),
    Command(
        "backup",
        "keeping.safekeeping:backup",
        "Write one file with all that cannot be made anew: log, secret, settings, snapshots. Servers may go on.",
    ),
    Command(
        "restore",
        "keeping.safekeeping:restore",
        "Bring a backup back, verified, and rebuild Redis from it. Who was erased since stays erased.",
    ),
    Command(
        "erase",
        "keeping.safekeeping:erase",
        "Erase a customer with all identities; what is left are tombstones, which name nobody.",
    ),
    Command(
        "quarantine",
        "keeping.quarantine:quarantined",
        "List files that no commit of the log names or that were damaged, put them back, drop them, or heal the log.",
    ),
    Command(
        "demo",
        "simulating.demo:demo",
        "Make a small shop, train, serve it, ask for a customer in each stage, and let its people go on visiting.\n\n"
        "Keys are off, on this machine only.",
    ),
    Command("keys", "keeping.keys:app", "Create, list and revoke API keys."),
)
