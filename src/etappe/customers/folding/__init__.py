"""The fold of events into what is known of a customer: its kernels, and what is counted beside items."""
