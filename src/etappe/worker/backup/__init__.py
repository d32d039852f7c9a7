"""Redis from the log, and a whole place into one file and back."""
