"""Statistics over seeds. The unit is the seed: rows of one seed are not independent (METHODS, 5 and 6)."""
