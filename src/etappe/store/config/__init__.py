"""What replicas are configured with: the journal, what its changes are of, and the artifacts they point to."""
