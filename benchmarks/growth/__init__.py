"""What Redis and the log come to hold over months."""
