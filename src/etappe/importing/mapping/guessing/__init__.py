"""What a file is, guessed from the names of its columns and from what stands in them."""
