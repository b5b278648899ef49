"""Loading of FER2013 and FER+ as arrays, and detection of duplicates."""
