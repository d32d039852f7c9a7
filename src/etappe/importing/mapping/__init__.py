"""Files of any shop: what their columns are, what a mapping says of them, and rows translated by it."""
