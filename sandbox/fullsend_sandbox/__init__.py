"""Emulate on loopback the services that a mint calls, written from their public documentation.

It does not import the mint, so it tests the mint independently. It refuses every request that the real services
refuse.
"""
