"""Commands that bring files in, and look at them before."""
