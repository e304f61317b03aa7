"""A world on loopback: the services a mint talks to, written from their public documentation.

An independent witness: it does not import the mint, and refuses what the real services refuse.
"""
