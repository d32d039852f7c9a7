"""What publishable keys are believed."""

from collections.abc import Iterator

from etappe.cli.checks.finding import Finding, ok, warning
from etappe.wiring.inspecting import Inspected


def browser_orders(inspected: Inspected) -> Iterator[Finding]:
    """Whether anybody with the key of a web page can make sales."""
    if inspected.settings.keys.browser_orders == "trust":
        yield warning(
            'browser_orders is "trust": whoever opens a page of the shop can send orders that count as revenue and are'
            ' learned from; send orders from a server with a secret key, and set it to "claim"'
        )
    else:
        yield ok("orders sent by browsers are claims")
