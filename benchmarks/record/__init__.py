"""What a customer's record takes, section by section, and in a server."""
