"""What happens in visits: what is looked at, shown, put into the cart, and bought, at once or again."""
