"""What the log says, counted for people: shares and numbers, each with how many it rests on."""
