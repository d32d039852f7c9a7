"""What the shop sells: goods, their prices and stock over time, seasons, and pieces of content."""
