"""A world on loopback: the services a mint talks to, written from their public documentation.

It does not import the mint, so it can test the mint independently. It refuses what the real services refuse.
"""
