"""Run a mint on Google Cloud: read its state, plan the steps to the desired state, and apply them."""
