"""What can be sold: items, their variants and availability, and request filters compiled to masks."""
