"""The answer: what is shown and why, put together, or given again."""
