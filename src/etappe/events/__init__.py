"""What happened: the vocabulary of events, their decoding and validation."""
