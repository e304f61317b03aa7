"""Make tokens for one run directly with a GitHub App's key, without a mint, behind a network guard."""
