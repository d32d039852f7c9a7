"""Commands that keep, bring back, erase, and say who may ask."""
