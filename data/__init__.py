"""FER2013 in, arrays out. Imports features.emotions only."""
