"""Plan the steps to the desired state, and apply them."""
