"""Who there is: people, their households and devices, what they want, and what happens in their lives."""
