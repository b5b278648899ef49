"""How good and how fast a recognizer is: scores, timings, tables and plots."""
