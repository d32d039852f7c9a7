"""Whether a data folder and its Redis belong together: marks, generations, how they begin and are swapped."""
