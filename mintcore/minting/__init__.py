"""Parts of the service: asking GitHub what policy needs to know, and work in parallel with the exchange at STS."""
