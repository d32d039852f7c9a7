"""`etappe demo`: a small shop, imported, trained, served and asked."""


def demo() -> None:
    """Show Etappe with a small simulated shop."""
