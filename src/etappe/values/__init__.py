"""Single values as others write them: ids, money, times. One reader of each, for every way in."""
