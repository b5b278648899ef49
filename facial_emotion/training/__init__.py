"""Training, for both tracks: recipe -> job -> fit, calibrate, finish; and the search for a better recipe."""
