"""How a mint is assembled, and what it reports before it serves."""
