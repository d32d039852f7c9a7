"""The way of events into Redis: what is believed of them, and one script call for each partition."""
