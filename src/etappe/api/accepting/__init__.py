"""The way of events: `flow` is that of all of them, `payloads` leads other systems' bodies into it."""
