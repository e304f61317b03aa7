"""Tokens for one run straight from a GitHub App's key, without a mint, behind a network guard."""
