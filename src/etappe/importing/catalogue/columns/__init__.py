"""What the columns of a catalogue say of an item, whatever the kind of file: one reader for all of them."""
