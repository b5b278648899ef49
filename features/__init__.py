"""A face in, numbers out. Imports nothing else of the project but its error type."""
