"""One small adapter per Google API: a read returns plain values, a write is a single call."""
