"""The environment, read once into frozen settings; every problem is reported at once."""
