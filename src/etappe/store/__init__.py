"""Redis, the embedded server and the Parquet log."""
