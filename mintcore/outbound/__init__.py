"""Outgoing HTTP: the only place in the mint that opens connections."""
