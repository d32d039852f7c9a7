"""Other systems' payloads as native events."""
