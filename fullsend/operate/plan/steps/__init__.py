"""Define the steps of plans: each step applies one change and can be shown before."""
