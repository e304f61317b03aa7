"""Call Google: one small adapter per API. A read returns plain values, a write is a single call."""
