"""Google's product feed as items."""
