"""What the shop records of all that happens: events, by whom as far as it can tell, and what goes wrong on the way."""
