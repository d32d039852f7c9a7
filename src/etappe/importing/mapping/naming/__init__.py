"""Names of columns and words in cells, as shop software and people write them in several languages."""
