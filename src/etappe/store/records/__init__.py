"""What Redis holds of one customer: the key of a subject taken apart, read, replaced, and whose it is."""
