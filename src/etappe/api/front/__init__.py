"""What is asked most, answered before Litestar, and the one way that both have for a body."""
