"""Assemble a mint, check its files, and report before it serves."""
