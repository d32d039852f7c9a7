"""From accepted rows on disk into the log."""
