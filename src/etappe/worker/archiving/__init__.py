"""From the streams into the log."""
