"""What the simulated shop looks like, measured and drawn."""
