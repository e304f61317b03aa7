"""Benchmarks of the mint as its real process, side by side with a plain baseline; run by ``make bench``."""
