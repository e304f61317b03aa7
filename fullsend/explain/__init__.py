"""Explain a mint's decision offline, with the mint's own policy code."""
