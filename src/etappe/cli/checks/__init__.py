"""What `etappe check` looks at: one module a subject, each check with one signature."""
