"""What was learned: array formats and scoring, with no framework and no I/O but the array folder."""
