"""Prove that a token is genuine. Only this package turns unverified text into trusted claims."""
