"""Commands that ask and change nothing: an answer, a report."""
