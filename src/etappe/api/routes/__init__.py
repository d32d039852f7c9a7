"""The HTTP routes, a file for each resource, listed in `handlers`. Each checks and translates; the rest is elsewhere."""
