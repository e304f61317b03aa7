"""The steps of a plan, as values: each says what it does, shows itself as gcloud commands, and can be taken."""
