"""Files of other systems, translated into the log and the catalogue."""
