"""The steps a plan is made of: each applies one change and can be shown before."""
