"""Many pictures and videos: found, scored here or on other machines, and written so that nothing is lost."""
