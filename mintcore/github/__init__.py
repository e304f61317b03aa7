"""GitHub: installations and their tokens."""
