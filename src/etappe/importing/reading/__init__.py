"""Files into rows, whatever they are packed in: each row with its line, what cannot be read with the reason."""
