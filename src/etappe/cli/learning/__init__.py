"""Commands from the log to what is served."""
