"""Commands that make a shop with a known truth."""
