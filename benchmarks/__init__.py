"""What it costs to decide, measured beside something that needs no trust."""
