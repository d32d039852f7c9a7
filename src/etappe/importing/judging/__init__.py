"""What a row has to be before it is an event: its person, its time, its money; what is rejected, and the report."""
