"""Define the pure values of a deployment: names, conditions, environment, state. No I/O."""
