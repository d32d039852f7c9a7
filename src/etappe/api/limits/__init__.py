"""What one request and one process may take: bodies, rates, how much is at work, and the door before all of it."""
