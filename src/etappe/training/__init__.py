"""From the log to a snapshot: matrices, fits and the gate."""
