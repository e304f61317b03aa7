"""Parts of the service: policy's questions that GitHub answers, and work in parallel with the exchange at STS."""
