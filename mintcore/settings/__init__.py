"""Read the environment once into frozen settings, and report every problem together."""
