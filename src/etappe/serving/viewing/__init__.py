"""What a replica answers from: the snapshot and the live catalogue, their rows matched and in order."""
