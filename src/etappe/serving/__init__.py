"""The hot path: from a request and a customer's record to a decision. Knows no framework and no Redis."""
