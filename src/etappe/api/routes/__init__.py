"""The HTTP routes, a file for each resource; `handlers` lists them. Each checks and translates, others compute."""
