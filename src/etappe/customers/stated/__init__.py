"""What customers say of themselves and how they came: consent, traits, touches, and which word is the last."""
