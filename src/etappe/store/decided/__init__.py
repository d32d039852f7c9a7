"""What is left of decisions: answers kept for repeated requests, and records on their way to the log."""
