"""How good the answers are: the serving code asked about a past whose future is known."""
