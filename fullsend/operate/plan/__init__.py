"""From the desired state to steps, and the steps applied."""
