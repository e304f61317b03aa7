"""The lower bound of every server: the framework with a function that does nothing."""
