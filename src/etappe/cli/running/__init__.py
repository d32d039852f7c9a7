"""Commands that run on: serving processes and the worker, and what keeps them up."""
