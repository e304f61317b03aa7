"""What the mint is compared with."""
