"""Parts of the service: look-ups at GitHub that policy needs, and work in parallel with the exchange at STS."""
