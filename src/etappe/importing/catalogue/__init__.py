"""Items out of files: tables, JSON lines and product feeds."""
