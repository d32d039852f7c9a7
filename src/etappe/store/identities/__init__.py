"""Who is whom in Redis and in the log: the graph, claims, erasure."""
