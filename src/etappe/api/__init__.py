"""HTTP: routes, keys, problem details."""
