"""Decide what a caller may have. Pure: no I/O, no clock, no environment."""
