"""What an import did: counted, balanced, and what it refused, kept."""
