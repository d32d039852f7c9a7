"""Where in events, payloads and texts somebody may be named, and how a name is taken out."""
